"use strict";
/* Draws the charts of a page with plotly: at the width that there is, in the colours of light, dark or paper. */
const pitwise = (function () {
  const NARROW = 480, LOWER_ON_PAPER = 0.65, CHARACTER = 6.9, ROOM = 70;
  const CONFIG = { displayModeBar: false, displaylogo: false, responsive: false, scrollZoom: false, doubleClick: false, showTips: false };
  const root = document.documentElement, told = document.getElementById("told"), followers = [];
  /* Colours of the style sheet, named in what is drawn as var(--name). */
  const resolved = function (value) {
    if (typeof value === "string") {
      const named = /^var\((--[a-z]+)\)$/.exec(value);
      return named ? getComputedStyle(root).getPropertyValue(named[1]).trim() || "#888888" : value;
    }
    if (Array.isArray(value)) { return value.map(resolved); }
    if (value && typeof value === "object") { return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)])); }
    return value;
  };
  const put = function (layout, paths) {
    for (const [path, value] of Object.entries(paths)) {
      const steps = path.split("."), last = steps.pop();
      steps.reduce((at, step) => at[step] = at[step] || {}, layout)[last] = value;
    }
  };
  const longest = (texts) => texts.reduce((most, text) => Math.max(most, text.replace(/&[a-z]+;/g, "x").replace(/<[^>]*>/g, "").length), 1);
  /* As many labels of bands as find room, and words on cells only where they fit. */
  const thin = function (data, layout, wide, name, labels) {
    const axis = layout[name], side = layout[axis.anchor ? axis.anchor.replace("y", "yaxis") : "yaxis"];
    const room = side.ticktext ? CHARACTER * longest(side.ticktext) + ROOM / 2 : ROOM;
    const [from, to] = axis.domain || [0, 1];
    const band = Math.max(1, (wide - (axis.domain ? 16 : room)) * (to - from)) / labels.length;
    const every = Math.max(1, Math.ceil((CHARACTER * longest(labels) + 8) / band));
    if (axis.tickmode === "linear") {
      axis.ticklabelstep = every;
    } else {
      axis.tickvals = labels.map((_, place) => place).filter((place) => place % every === 0);
      axis.ticktext = axis.tickvals.map((place) => labels[place]);
    }
    for (const trace of data) {
      if (trace.texttemplate && CHARACTER * longest(trace.text.flat()) + 4 > band) { delete trace.texttemplate; }
    }
  };
  const draw = function (one) {
    const wide = one.holder.clientWidth;
    if (!wide) { return; }
    const spec = wide < NARROW && one.spec.telephone || one.spec;
    const { data, layout } = resolved({ data: spec.data, layout: spec.layout });
    if (wide < NARROW) { put(layout, resolved(spec.narrow)); }
    for (const [name, labels] of Object.entries(spec.bands)) { thin(data, layout, wide, name, labels); }
    if (one.drawn !== spec) { one.drawn = spec; one.stops = null; }
    if (root.classList.contains("paper")) {
      put(layout, resolved(spec.paper));
      const words = layout.margin.t + layout.margin.b;
      layout.height = Math.round(words + (layout.height - words) * LOWER_ON_PAPER);
    }
    layout.width = one.wide = wide;
    one.holder.style.height = layout.height + "px";
    Plotly.react(one.holder, data, layout, CONFIG);
  };
  /* Points that the arrow keys stop at: all of a period together where they are told together. */
  const stopsOf = function (spec) {
    const found = new Map(), together = spec.layout.hovermode === "x unified", labels = spec.bands.xaxis || [];
    const add = function (key, curveNumber, pointNumber, words, head) {
      if (!words) { return; }
      if (!found.has(key)) { found.set(key, { order: key, at: [], words: head ? [head] : [] }); }
      found.get(key).at.push({ curveNumber, pointNumber });
      found.get(key).words.push(words);
    };
    const cell = function (trace, curve, row, column, word) {
      const at = { xval: trace.x[column], yval: trace.y[row] }, part = (trace.xaxis || "x") + (trace.yaxis || "y");
      found.set([curve, row, column].join(), { at, part, words: [word] });
    };
    spec.data.forEach(function (trace, curve) {
      (trace.hovertext || []).forEach(function (words, point) {
        if (Array.isArray(words)) {
          words.forEach((word, column) => trace.z[point][column] === null || cell(trace, curve, point, column, word));
        } else {
          add(together ? trace.x[point] : [curve, point].join(), curve, point, words, together ? labels[trace.x[point]] : "");
        }
      });
    });
    const stops = Array.from(found.values());
    return together ? stops.sort((one, other) => one.order - other.order) : stops;
  };
  const spoken = (words) => words.join("; ").replace(/[\u2068\u2069]/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  const listen = function (one) {
    let place = -1;
    const leave = function () { place = -1; told.textContent = ""; if (one.wide) { Plotly.Fx.unhover(one.holder); } };
    one.holder.addEventListener("keydown", function (event) {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") { leave(); }
      if (!step || !one.wide) { return; }
      event.preventDefault();
      const stops = one.stops = one.stops || stopsOf(one.drawn);
      if (!stops.length) { return; }
      place = place < 0 && step < 0 ? stops.length - 1 : (place + step + stops.length) % stops.length;
      Plotly.Fx.hover(one.holder, stops[place].at, stops[place].part || "xy");
      told.textContent = spoken(stops[place].words);
    });
    one.holder.addEventListener("blur", leave);
  };
  const all = Array.from(document.querySelectorAll("script[data-plot]"), function (script) {
    return { holder: document.getElementById(script.dataset.plot), spec: JSON.parse(script.textContent), wide: 0 };
  });
  const again = function () { all.forEach(draw); followers.forEach((follow) => follow()); };
  /* One after the other, so that the page can be read and scrolled meanwhile. */
  const begin = function (number) {
    if (number >= all.length) { root.dataset.drawn = "all"; return; }
    draw(all[number]);
    listen(all[number]);
    setTimeout(begin, 0, number + 1);
  };
  let asked = 0;
  const sizes = new ResizeObserver(function () {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => all.filter((one) => one.wide && one.holder.clientWidth !== one.wide).forEach(draw));
  });
  all.forEach((one) => sizes.observe(one.holder));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  /* Paper has its own width and colours; charts are drawn for it before it is laid out. */
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details.printed:not([open])"));
    opened.forEach((one) => one.open = true);
    root.classList.add("paper");
    again();
  });
  window.addEventListener("afterprint", function () {
    opened.forEach((one) => one.open = false);
    root.classList.remove("paper");
    again();
  });
  setTimeout(begin, 0, 0);
  return { CONFIG, resolved, follow: (follower) => followers.push(follower) };
})();
