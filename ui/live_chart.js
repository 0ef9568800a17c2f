// One Plotly graph per mounted component. Streamlit calls the default export again whenever the data or the
// theme changes; the graph stays in place and is brought up to date with Plotly.react.

const charts = new WeakMap();
const touch = matchMedia("(pointer: coarse)").matches;
let library;

/** Load plotly.js, once per page. It has no expiry date, hence force-cache; its URL names the version. */
async function load(url) {
  let response = await fetch(url, { cache: "force-cache" });
  if (!response.ok) response = await fetch(url, { cache: "reload" });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  const source = URL.createObjectURL(await response.blob());
  await import(source); // sets window.Plotly
  URL.revokeObjectURL(source);
}

/** Streamlit's theme as a Plotly template: defaults only, what the figure itself sets wins. */
function template(token) {
  const clear = "rgba(0, 0, 0, 0)";
  const line = token("border-color");
  const font = { family: token("font"), color: token("text-color"), size: 13 };
  const grid = token("border-color-light");
  const axis = { automargin: true, gridcolor: grid, linecolor: line, zerolinecolor: line };
  return {
    layout: {
      font,
      paper_bgcolor: clear,
      plot_bgcolor: clear,
      colorway: token("chart-categorical-colors").split(","),
      xaxis: axis,
      yaxis: axis,
      hoverlabel: { bgcolor: token("background-color"), bordercolor: line, font, namelength: -1 },
      modebar: { bgcolor: clear, color: font.color, activecolor: token("primary-color") },
      legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom" },
      margin: { l: 0, r: 8, t: 32, b: 0 },
      dragmode: touch ? false : "zoom", // a finger on the chart scrolls the page
    },
  };
}

class Chart {
  constructor(parent) {
    this.node = parent.appendChild(document.createElement("div"));
    this.node.className = "live-chart";
    this.token = (name) => getComputedStyle(this.node).getPropertyValue(`--st-${name}`).trim();
    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.node);
  }

  async update(data, setStateValue) {
    this.data = data;
    // With its moment, since a value that is the same as before would be no news: a point may be clicked again.
    this.setClicked = (x) => setStateValue("clicked", { x, at: Date.now() });
    this.node.classList.toggle("clickable", data.clickable);
    library ??= load(data.library);
    try {
      await library;
    } catch (error) {
      library = undefined; // the next update tries again
      throw error;
    }
    this.schedule();
  }

  schedule() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { node } = this;
    if (!window.Plotly || !node.clientWidth) return; // the observer calls again when a hidden chart appears
    const { data, layout } = JSON.parse(this.data.figure);
    Object.assign(layout, {
      template: template(this.token),
      uirevision: this.data.key, // as long as it is the same, Plotly keeps zoom, hidden traces and tool
      width: node.clientWidth,
      height: node.clientHeight,
    });
    for (const part of Object.values(layout)) {
      if (part?.type) part.uirevision = `${this.data.key} ${part.type}`; // another scale, another zoom
    }
    this.config ??= this.configure(); // a new object would make Plotly.react start afresh
    const drawn = Boolean(node.data);
    Plotly.react(node, data, layout, this.config);
    if (!drawn) this.listen();

    // The drawing carries the alternative text. The tool buttons lie outside of it and stay reachable.
    const [drawing, ...layers] = node.querySelectorAll("svg.main-svg");
    drawing.role = "img";
    drawing.ariaLabel = this.data.alt;
    for (const layer of layers) layer.ariaHidden = true;
  }

  configure() {
    // Plotly's own button makes a transparent picture, unreadable once it leaves a dark page.
    const click = ({ data, layout }) => {
      const { width, height } = layout;
      const opaque = { ...layout, paper_bgcolor: this.token("background-color") };
      Plotly.downloadImage({ data, layout: opaque }, { width, height, scale: 2, filename: this.data.key });
    };
    const download = { name: "png", title: "Download as PNG", icon: Plotly.Icons.camera, click };
    const tools = ["zoom2d", "pan2d", "resetScale2d", download];
    return { displaylogo: false, showTips: false, modeBarButtons: [tools] };
  }

  listen() {
    this.node.on("plotly_click", ({ points }) => {
      if (this.data.clickable) this.setClicked(points[0].x);
    });
    // A tool picked by touch serves once, then the finger scrolls the page again.
    this.node.on("plotly_relayout", (change) => {
      if (touch && !("dragmode" in change)) Plotly.relayout(this.node, { dragmode: false });
    });
  }

  remove() {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    window.Plotly?.purge(this.node);
    this.node.remove();
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let chart = charts.get(parentElement);
  if (!chart) charts.set(parentElement, (chart = new Chart(parentElement)));
  chart.update(data, setStateValue);
  return () => {
    // Streamlit also cleans up after a call that a newer one overtook; only an element off the page is done.
    if (parentElement.isConnected) return;
    charts.delete(parentElement);
    chart.remove();
  };
}
