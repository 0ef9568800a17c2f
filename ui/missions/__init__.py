"""The missions of the Start page: predict, try it on the page it is about, and read what came out."""
