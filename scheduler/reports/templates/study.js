"use strict";
/* The table of scenarios: sorted by a heading, filtered by words, status and design. */
(function () {
  const table = document.getElementById("scenario-table");
  if (!table) { return; }
  const body = table.tBodies[0], rows = Array.from(body.rows), heads = Array.from(table.tHead.rows[0].cells);
  const words = document.getElementById("filter"), told = document.getElementById("rows-shown");
  const choices = { status: document.getElementById("filter-status"), design: document.getElementById("filter-design") };
  const order = new Intl.Collator(undefined, { numeric: true });
  const compared = function (one, other, column) {
    const a = one.cells[column], b = other.cells[column];
    if (a.dataset.key !== undefined && b.dataset.key !== undefined) { return Number(a.dataset.key) - Number(b.dataset.key); }
    return order.compare(a.textContent, b.textContent);
  };
  const empty = (row, column) => column > 2 && row.cells[column].dataset.key === undefined;
  heads.forEach(function (head, column) {
    head.firstElementChild.addEventListener("click", function () {
      const down = head.getAttribute("aria-sort") === "ascending" || (column > 2 && !head.hasAttribute("aria-sort"));
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = rows.slice().sort(function (one, other) {
        const last = empty(one, column) - empty(other, column);
        return last || (down ? -1 : 1) * compared(one, other, column);
      });
      body.append(...sorted);
    });
  });
  const filter = function () {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const kept = wanted.every((word) => text.includes(word)) && Object.entries(choices).every(([name, choice]) => !choice.value || row.dataset[name] === choice.value);
      row.hidden = !kept;
      shown += kept ? 1 : 0;
    }
    told.textContent = shown + " of " + rows.length + " scenarios";
  };
  words.addEventListener("input", filter);
  for (const choice of Object.values(choices)) { choice.addEventListener("change", filter); }
})();
