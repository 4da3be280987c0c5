"use strict";
/* The pit at the end of a period. Cells of a grid are painted from the farthest to the nearest: seen from afar and from
   above, a cell can only be hidden by one that is nearer along every axis, so the order of the grid is the order of paint. */
(function () {
  const holder = document.getElementById("solid-data");
  const canvas = document.getElementById("solid");
  if (!holder || !canvas) { return; }
  const data = JSON.parse(holder.textContent);
  const slider = document.getElementById("solid-year");
  const told = document.getElementById("solid-told");
  const play = document.getElementById("solid-play");
  const pen = canvas.getContext("2d");
  const MARGIN = 3, ROCK = 254, AIR = 253, STAYS = data.stays;
  const unpacked = function (text, Type) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    return new Type(bytes.buffer);
  };
  const [sx, sy, sz] = data.spans;
  const nx = sx + 2 * MARGIN, ny = sy + 2 * MARGIN, nz = sz;
  const period = new Uint8Array(nx * ny * nz).fill(ROCK);
  const material = new Uint8Array(nx * ny * nz);
  const ground = new Int32Array(nx * ny).fill(-1);
  (function place() {
    const cells = unpacked(data.cells, Uint32Array);
    const periods = unpacked(data.periods, Uint8Array), materials = unpacked(data.materials, Uint8Array);
    for (let i = 0; i < cells.length; i += 1) {
      const x = cells[i] % sx + MARGIN, y = Math.floor(cells[i] / sx) % sy + MARGIN, z = Math.floor(cells[i] / sx / sy);
      const at = (z * ny + y) * nx + x;
      period[at] = periods[i];
      material[at] = materials[i];
      if (z > ground[y * nx + x]) { ground[y * nx + x] = z; }
    }
    let front = [];
    for (let i = 0; i < ground.length; i += 1) { if (ground[i] >= 0) { front.push(i); } }
    while (front.length) {
      const next = [];
      for (const i of front) {
        const x = i % nx, y = Math.floor(i / nx);
        for (const [a, b] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
          if (a >= 0 && b >= 0 && a < nx && b < ny && ground[b * nx + a] < 0) { ground[b * nx + a] = ground[i]; next.push(b * nx + a); }
        }
      }
      front = next;
    }
    for (let z = 0; z < nz; z += 1) {
      for (let i = 0; i < nx * ny; i += 1) {
        const at = z * nx * ny + i;
        if (period[at] === ROCK && z > ground[i]) { period[at] = AIR; }
      }
    }
  })();
  const state = { done: Number(slider.value), azimuth: 0.5, tilt: 0.72, zoom: 1, mode: "period" };
  const solid = function (x, y, z, last) {
    if (z >= nz || x < 0 || y < 0 || x >= nx || y >= ny) { return false; }
    if (z < 0) { return true; }
    const p = period[(z * ny + y) * nx + x];
    return p === ROCK || p === STAYS || (p !== AIR && p > last);
  };
  const shades = new Map();
  const shade = function (colour, factor) {
    const key = colour + factor;
    if (!shades.has(key)) {
      const part = (from) => Math.round(parseInt(colour.slice(from, from + 2), 16) * factor);
      shades.set(key, "rgb(" + part(1) + "," + part(3) + "," + part(5) + ")");
    }
    return shades.get(key);
  };
  let faces = [], facesKey = "";
  const gather = function () {
    const sine = Math.sin(state.azimuth), cosine = Math.cos(state.azimuth);
    const surface = ink("--rock", "#d3c7b3"), wall = ink("--wall", "#a89f92");
    const key = [state.done, state.mode, sine > 0, cosine > 0, surface].join();
    if (key === facesKey) { return; }
    facesKey = key;
    faces = [];
    const last = state.done - 1, stepX = sine > 0 ? -1 : 1, stepY = cosine > 0 ? -1 : 1;
    for (let z = 0; z < nz; z += 1) {
      for (let j = 0; j < ny; j += 1) {
        const y = stepY < 0 ? ny - 1 - j : j;
        for (let i = 0; i < nx; i += 1) {
          const x = stepX < 0 ? nx - 1 - i : i;
          if (!solid(x, y, z, last)) { continue; }
          const at = (z * ny + y) * nx + x, p = period[at];
          const inside = x > 0 && y > 0 && x < nx - 1 && y < ny - 1;
          const deep = inside ? 1 - (p === ROCK ? 0.42 : 0.2) * Math.max(0, ground[y * nx + x] - z) / nz : 1;
          let colour = z >= ground[y * nx + x] || !inside ? surface : wall;
          if (p !== ROCK) {
            colour = state.mode === "material" ? data.materialColours[material[at]] : p === STAYS ? data.staysColour : data.periodColours[p];
          }
          if (!solid(x + stepX, y, z, last)) { faces.push([1, x, y, z, shade(colour, 0.7 * deep)]); }
          if (!solid(x, y + stepY, z, last)) { faces.push([2, x, y, z, shade(colour, 0.82 * deep)]); }
          if (!solid(x, y, z + 1, last)) { faces.push([0, x, y, z, shade(colour, deep)]); }
        }
      }
    }
  };
  const ink = function (name, usual) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || usual; };
  const draw = function () {
    const ratio = window.devicePixelRatio || 1;
    const wide = canvas.clientWidth, tall = canvas.clientHeight;
    if (!wide || !tall) { return; }
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(tall * ratio);
    gather();
    const [dx, dy, dz] = data.size;
    const sine = Math.sin(state.azimuth), cosine = Math.cos(state.azimuth), up = Math.sin(state.tilt), flat = Math.cos(state.tilt);
    const across = Math.abs(cosine) * nx * dx + Math.abs(sine) * ny * dy;
    const high = (Math.abs(sine) * nx * dx + Math.abs(cosine) * ny * dy) * up + nz * dz * flat;
    const s = 0.96 * Math.min(wide / across, tall / high) * state.zoom * ratio;
    const ax = [cosine * dx * s, -sine * dx * up * s], ay = [-sine * dy * s, -cosine * dy * up * s], az = -dz * flat * s;
    const ox = canvas.width / 2 - (ax[0] * nx + ay[0] * ny) / 2, oy = canvas.height / 2 - (ax[1] * nx + ay[1] * ny + az * nz) / 2;
    const fx = sine > 0 ? 0 : 1, fy = cosine > 0 ? 0 : 1;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = 0.7;
    pen.lineJoin = "round";
    for (const [kind, x, y, z, colour] of faces) {
      let px, py, ux, uy, vx, vy;
      if (kind === 0) {
        px = ox + ax[0] * x + ay[0] * y; py = oy + ax[1] * x + ay[1] * y + az * (z + 1);
        [ux, uy] = ax; [vx, vy] = ay;
      } else if (kind === 1) {
        px = ox + ax[0] * (x + fx) + ay[0] * y; py = oy + ax[1] * (x + fx) + ay[1] * y + az * z;
        [ux, uy] = ay; vx = 0; vy = az;
      } else {
        px = ox + ax[0] * x + ay[0] * (y + fy); py = oy + ax[1] * x + ay[1] * (y + fy) + az * z;
        [ux, uy] = ax; vx = 0; vy = az;
      }
      pen.fillStyle = colour; pen.strokeStyle = colour;
      pen.beginPath();
      pen.moveTo(px, py); pen.lineTo(px + ux, py + uy); pen.lineTo(px + ux + vx, py + uy + vy); pen.lineTo(px + vx, py + vy);
      pen.closePath(); pen.fill(); pen.stroke();
    }
  };
  const say = function () {
    const all = data.moved.reduce((a, b) => a + b, 0);
    const moved = data.moved.slice(0, state.done).reduce((a, b) => a + b, 0);
    const when = state.done === 0 ? "Before mining begins" : "End of " + data.labels[state.done - 1];
    const text = when + ": " + moved.toFixed(1) + " of " + all.toFixed(1) + " Mt moved";
    told.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    canvas.setAttribute("aria-label", "The pit seen from above. " + text);
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
  const turn = function (azimuth, tilt, zoom) {
    state.azimuth += azimuth;
    state.tilt = Math.min(1.5, Math.max(0.25, state.tilt + tilt));
    state.zoom = Math.min(8, Math.max(0.5, state.zoom * zoom));
    again();
  };
  const keys = { ArrowLeft: [0.15, 0, 1], ArrowRight: [-0.15, 0, 1], ArrowUp: [0, 0.1, 1], ArrowDown: [0, -0.1, 1], "+": [0, 0, 1.2], "-": [0, 0, 1 / 1.2] };
  canvas.addEventListener("keydown", function (event) {
    if (keys[event.key]) { turn(...keys[event.key]); event.preventDefault(); }
  });
  canvas.addEventListener("pointerdown", function (event) { canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", function (event) {
    if (event.buttons) { turn(event.movementX * -0.008, event.pointerType === "touch" ? 0 : event.movementY * 0.006, 1); }
  });
  canvas.addEventListener("wheel", function (event) {
    if (event.ctrlKey || event.shiftKey) { turn(0, 0, event.deltaY < 0 ? 1.1 : 1 / 1.1); event.preventDefault(); }
  }, { passive: false });
  for (const button of document.querySelectorAll("[data-turn]")) {
    button.addEventListener("click", function () { turn(...keys[button.dataset.turn]); });
  }
  let timer = 0;
  play.addEventListener("click", function () {
    if (timer) { clearInterval(timer); timer = 0; play.textContent = "Play"; return; }
    if (state.done >= data.labels.length) { state.done = 0; }
    play.textContent = "Stop";
    timer = setInterval(function () {
      if (state.done >= data.labels.length) { clearInterval(timer); timer = 0; play.textContent = "Play"; return; }
      state.done += 1; slider.value = String(state.done); again();
    }, 900);
  });
  if (window.ResizeObserver) { new ResizeObserver(again).observe(canvas); }
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  window.addEventListener("beforeprint", draw);
  again();
})();
