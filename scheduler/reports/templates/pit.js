"use strict";
/* The pit at the end of a period, in three dimensions: a mesh a colour, of the faces or the surface seen then. */
(function () {
  const source = document.getElementById("solid-data"), holder = document.getElementById("solid");
  if (!source || !holder) { return; }
  const probe = document.createElement("canvas").getContext("webgl");
  if (!probe) {
    holder.textContent = "This view needs WebGL, which this browser does not offer. The maps below do not.";
    holder.classList.add("missing");
    return;
  }
  const lost = probe.getExtension("WEBGL_lose_context");
  if (lost) { lost.loseContext(); }
  const data = JSON.parse(source.textContent);
  const slider = document.getElementById("solid-year"), told = document.getElementById("solid-told"), play = document.getElementById("solid-play");
  const unpacked = function (text, Type) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    return new Type(bytes.buffer);
  };
  const [nx, ny, nz] = data.spans, [dx, dy, dz] = data.size, [ox, oy, oz] = data.corner;
  const WALL = 252, SHADES = 16, FIELD = Math.PI / 4, SPARE = 1.12, SPARE_NARROW = 1.38, NARROW = 480;
  const state = { done: Number(slider.value), mode: "period", azimuth: -2.2, tilt: 0.75, zoom: 1 };

  /* Meshes by code and shade: counted first, then filled, four corners and two triangles a face. */
  const meshes = function (count, codeOf, cornersOf) {
    const sizes = new Map(), found = new Map();
    for (let f = 0; f < count; f += 1) {
      const code = codeOf(f);
      if (code >= 0) { sizes.set(code, (sizes.get(code) || 0) + 1); }
    }
    for (const [code, size] of sizes) {
      found.set(code, { n: 0, x: new Float32Array(4 * size), y: new Float32Array(4 * size), z: new Float32Array(4 * size),
        i: new Uint32Array(2 * size), j: new Uint32Array(2 * size), k: new Uint32Array(2 * size) });
    }
    for (let f = 0; f < count; f += 1) {
      const code = codeOf(f);
      if (code < 0) { continue; }
      const mesh = found.get(code), at = 4 * mesh.n, triangle = 2 * mesh.n;
      cornersOf(f).forEach(function ([x, y, z], corner) {
        mesh.x[at + corner] = ox + x * dx; mesh.y[at + corner] = oy + y * dy; mesh.z[at + corner] = oz + z * dz;
      });
      mesh.i[triangle] = at; mesh.j[triangle] = at + 2; mesh.k[triangle] = at + 1;
      mesh.i[triangle + 1] = at; mesh.j[triangle + 1] = at + 3; mesh.k[triangle + 1] = at + 2;
      mesh.n += 1;
    }
    return found;
  };
  const SIDES = [
    [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]],
    [[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0]],
    [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]],
    [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]],
    [[0, 1, 0], [0, 1, 1], [1, 1, 1], [1, 1, 0]],
  ];
  /* Shades count from 0, the full colour of the legend, to 15. What lies flat has the full colour. */
  const SIDE_SHADES = [0, 12, 12, 7, 7], DARKEST = 0.62;
  const faces = data.faces && (function () {
    const at = unpacked(data.faces.at, Uint32Array);
    const [side, first, last, period, material] = ["side", "first", "last", "period", "material"].map((name) => unpacked(data.faces[name], Uint8Array));
    const corners = function (f) {
      const x = at[f] % nx, y = Math.floor(at[f] / nx) % ny, z = Math.floor(at[f] / nx / ny);
      return SIDES[side[f]].map(([a, b, c]) => [x + a, y + b, z + c]);
    };
    return function () {
      const codes = state.mode === "period" ? period : material;
      return meshes(at.length, (f) => first[f] <= state.done && state.done < last[f] ? SHADES * codes[f] + SIDE_SHADES[side[f]] : -1, corners);
    };
  })();
  const surfaces = data.surfaces && (function () {
    const heights = unpacked(data.surfaces.heights, Uint16Array), columns = nx * ny;
    const codes = { period: unpacked(data.surfaces.period, Uint8Array), material: unpacked(data.surfaces.material, Uint8Array) };
    return function () {
      const start = state.done * columns;
      /* A corner is as high as the columns around it on the mean. */
      const corner = function (x, y) {
        let sum = 0, n = 0;
        for (let b = Math.max(0, y - 1); b <= Math.min(ny - 1, y); b += 1) {
          for (let a = Math.max(0, x - 1); a <= Math.min(nx - 1, x); a += 1) { sum += heights[start + b * nx + a]; n += 1; }
        }
        return [x, y, sum / n];
      };
      const rim = [];
      for (let x = 0; x < nx; x += 1) { rim.push([x, 0, x + 1, 0], [x, ny, x + 1, ny]); }
      for (let y = 0; y < ny; y += 1) { rim.push([0, y, 0, y + 1], [nx, y, nx, y + 1]); }
      /* The steeper a cell falls away from the light in the south-west, the darker. */
      const shadeOf = function (f) {
        const x = f % nx, y = Math.floor(f / nx), [a, b, c] = [corner(x, y)[2], corner(x + 1, y)[2], corner(x, y + 1)[2]];
        const east = (b - a) * dz / dx, north = (c - a) * dz / dy;
        const lit = (1 + 0.35 * east + 0.5 * north) / Math.sqrt(1 + east * east + north * north);
        return Math.round((SHADES - 1) * Math.min(1, Math.max(0, 1 - lit)));
      };
      return meshes(columns + rim.length, (f) => f < columns ? SHADES * codes[state.mode][start + f] + shadeOf(f) : SHADES * WALL + 8, function (f) {
        if (f >= columns) {
          const [a, b, c, d] = rim[f - columns];
          return [[a, b, 0], [c, d, 0], corner(c, d), corner(a, b)];
        }
        const x = f % nx, y = Math.floor(f / nx);
        return [corner(x, y), corner(x + 1, y), corner(x + 1, y + 1), corner(x, y + 1)];
      });
    };
  })();
  const LIGHT = { ambient: 1, diffuse: 0, specular: 0, fresnel: 0, roughness: 1 };
  const shaded = function (colour, shade) {
    const factor = 1 - (1 - DARKEST) * shade / (SHADES - 1);
    const part = (from) => Math.round(parseInt(colour.slice(from, from + 2), 16) * factor);
    return "rgb(" + [part(1), part(3), part(5)].join() + ")";
  };
  let shown = null, shownKey = "";
  const traces = function () {
    const looks = pitwise.resolved(data.looks[state.mode]), key = [state.done, state.mode].join();
    if (key !== shownKey) { shown = (faces || surfaces)(); shownKey = key; }
    return Array.from(shown, function ([code, { x, y, z, i, j, k }]) {
      const [name, colour] = looks[Math.floor(code / SHADES)];
      return { type: "mesh3d", x, y, z, i, j, k, color: shaded(colour, code % SHADES), flatshading: true, hoverinfo: "text", text: name, lighting: LIGHT };
    });
  };
  /* A little more than the box, or the faces on its sides are cut off. */
  const ends = [[ox, nx * dx], [oy, ny * dy], [oz, nz * dz]].map(([start, side]) => [start - 0.004 * side, start + 1.004 * side]);
  const longestSide = Math.max(...ends.map(([low, high]) => high - low));
  const ratio = ends.map(([low, high]) => 2 * (high - low) / longestSide);
  /* So far away that all corners of the box, and the axes around it, are in the picture. */
  const camera = function (wide, tall) {
    const flat = Math.cos(state.tilt), e = [flat * Math.cos(state.azimuth), flat * Math.sin(state.azimuth), Math.sin(state.tilt)];
    const right = [-Math.sin(state.azimuth), Math.cos(state.azimuth), 0];
    const up = [-Math.sin(state.tilt) * Math.cos(state.azimuth), -Math.sin(state.tilt) * Math.sin(state.azimuth), flat];
    const along = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);
    const field = Math.tan(FIELD / 2), spare = wide < NARROW ? SPARE_NARROW : SPARE;
    const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1, n & 2, n & 4].map((bit, place) => (bit ? 1 : -1) * ratio[place] / 2 * spare));
    let far = 0, raised = 0;
    /* The near side looks larger: the middle of the picture is moved until there is as much room above as below. */
    for (let round = 0; round < 12; round += 1) {
      far = Math.max(...corners.map(function (corner) {
        const half = Math.max(Math.abs(along(corner, right)) / (field * wide / tall), Math.abs(along(corner, up) - raised) / field);
        return along(corner, e) + half;
      }));
      const seen = corners.map((corner) => (along(corner, up) - raised) / (far - along(corner, e)));
      raised += far * (Math.max(...seen) + Math.min(...seen)) / 2;
    }
    const point = (values) => ({ x: values[0], y: values[1], z: values[2] });
    const center = up.map((value) => value * raised);
    return { eye: point(center.map((value, place) => value + e[place] * far / state.zoom)), center: point(center), up: { x: 0, y: 0, z: 1 }, projection: { type: "perspective" } };
  };
  const turned = function (moved) {
    const away = (one) => ["x", "y", "z"].map((name) => one.eye[name] - one.center[name]);
    const [x, y, z] = away(moved), far = Math.hypot(x, y, z);
    if (!far) { return; }
    state.azimuth = Math.atan2(y, x);
    state.tilt = Math.asin(z / far);
    state.zoom = 1;
    state.zoom = Math.hypot(...away(camera(holder.clientWidth, holder.clientHeight))) / far;
  };
  /* Places are told from the corner of the block grid; ticks stand at round numbers of the mine's own coordinates. */
  const ticks = function ([low, high], zero, most) {
    const least = (high - low) / most, power = Math.pow(10, Math.floor(Math.log10(least)));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least * (1 - 1e-9));
    const tickvals = [], ticktext = [];
    for (let n = Math.ceil((low + zero) / step); n * step <= high + zero; n += 1) {
      tickvals.push(n * step - zero); ticktext.push((n * step).toLocaleString("en-US"));
    }
    return { tickmode: "array", tickvals, ticktext };
  };
  const axis = (place) => ({
    ...ticks(ends[place], data.zero[place], place === 2 ? 3 : 6),
    title: { text: data.titles[place], font: { color: "var(--soft)", size: 12 } }, tickfont: { color: "var(--soft)", size: 11 }, range: ends[place],
    gridcolor: "var(--grid)", linecolor: "var(--axis)", zeroline: false, showbackground: false, showspikes: false,
  });
  const draw = function () {
    const wide = holder.clientWidth, tall = holder.clientHeight;
    if (!wide || !tall) { return; }
    const layout = {
      width: wide, height: tall, margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)",
      font: { color: "var(--ink)", size: 12, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: "var(--paper)", bordercolor: "var(--axis)", font: { color: "var(--ink)" } },
      scene: {
        xaxis: axis(0), yaxis: axis(1), zaxis: axis(2),
        aspectmode: "manual", aspectratio: { x: ratio[0], y: ratio[1], z: ratio[2] }, bgcolor: "rgba(0,0,0,0)",
        dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "turntable",
      },
    };
    const plain = pitwise.resolved(layout);
    plain.scene.camera = camera(wide, tall);
    const drawn = Plotly.react(holder, traces(), plain, pitwise.CONFIG);
    if (!holder.dataset.drawn) {
      holder.on("plotly_relayout", function (event) { if (event["scene.camera"]) { turned(event["scene.camera"]); } });
    }
    holder.dataset.drawn = [state.done, state.mode].join();
    return drawn;
  };
  const say = function () {
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const when = state.done === 0 ? "Before mining begins" : "End of " + data.labels[state.done - 1];
    const text = when + ": " + sum(data.moved.slice(0, state.done)).toFixed(1) + " of " + sum(data.moved).toFixed(1) + " Mt moved";
    told.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    holder.setAttribute("aria-label", "The pit seen from above. " + text);
    document.getElementById("solid-periods").hidden = state.mode !== "period";
    document.getElementById("solid-materials").hidden = state.mode !== "material";
  };
  let asked = false;
  const again = function () {
    if (asked) { return; }
    asked = true;
    requestAnimationFrame(function () { asked = false; draw(); say(); });
  };
  slider.addEventListener("input", function () { state.done = Number(slider.value); again(); });
  for (const choice of document.querySelectorAll("input[name=solid-mode]")) {
    choice.addEventListener("change", function () { if (choice.checked) { state.mode = choice.value; again(); } });
  }
  const KEYS = { ArrowLeft: [-0.15, 0, 1], ArrowRight: [0.15, 0, 1], ArrowUp: [0, 0.1, 1], ArrowDown: [0, -0.1, 1], "+": [0, 0, 1.2], "-": [0, 0, 1 / 1.2] };
  const turn = function (azimuth, tilt, zoom) {
    state.azimuth += azimuth;
    state.tilt = Math.min(1.5, Math.max(0.15, state.tilt + tilt));
    state.zoom = Math.min(8, Math.max(0.5, state.zoom * zoom));
    again();
  };
  holder.addEventListener("keydown", function (event) {
    if (KEYS[event.key]) { turn(...KEYS[event.key]); event.preventDefault(); }
  });
  for (const button of document.querySelectorAll("[data-turn]")) {
    button.addEventListener("click", function () { turn(...KEYS[button.dataset.turn]); });
  }
  let timer = 0;
  const stop = function () { clearInterval(timer); timer = 0; play.textContent = "Play"; };
  play.addEventListener("click", function () {
    if (timer) { stop(); return; }
    if (state.done >= data.labels.length) { state.done = 0; }
    play.textContent = "Stop";
    timer = setInterval(function () {
      if (state.done >= data.labels.length) { stop(); return; }
      state.done += 1; slider.value = String(state.done); again();
    }, 1000);
  });
  new ResizeObserver(again).observe(holder);
  pitwise.follow(draw);
})();
