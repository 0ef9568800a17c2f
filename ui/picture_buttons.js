// A row of buttons with pictures. Streamlit calls the default export again whenever the data changes; the buttons stay
// in place and are brought up to date, so that the keyboard's focus stays where it is.

function newButton(group) {
  const button = group.appendChild(document.createElement("button"));
  button.append(document.createElement("img"), document.createElement("span"), document.createElement("span"));
  button.children[0].alt = ""; // the button's name says it all
  button.children[1].className = "title";
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let group = parentElement.querySelector(".pictures");
  if (!group) {
    group = parentElement.appendChild(document.createElement("div"));
    group.className = "pictures";
    group.setAttribute("role", "group");
  }
  group.setAttribute("aria-label", data.label);
  group.style.setProperty("--side", `${data.side}px`);
  while (group.children.length > data.pictures.length) group.lastChild.remove();
  for (const [place, picture] of data.pictures.entries()) {
    const button = group.children[place] ?? newButton(group);
    const [image, title, note] = button.children;
    image.hidden = picture.source === null;
    if (picture.source !== null) image.src = picture.source;
    title.textContent = picture.title;
    note.textContent = picture.note;
    button.setAttribute("aria-label", picture.name);
    button.setAttribute("aria-pressed", picture.pressed);
    button.disabled = picture.disabled;
    button.onclick = () => setTriggerValue("clicked", picture.value);
  }
}
