"use strict";
for (const figure of document.querySelectorAll("figure.compare")) {
  const stage = figure.querySelector(".stage");
  const range = figure.querySelector("input");
  if (!range) continue;
  const left = figure.querySelector(".left"), right = figure.querySelector(".right");
  const pictures = [...stage.querySelectorAll("img")];
  const choose = () => pictures.forEach((picture, number) => {
    const isLeft = number === left.selectedIndex;
    picture.hidden = !isLeft && number !== right.selectedIndex;
    picture.classList.toggle("over", isLeft);
  });
  const move = () => stage.style.setProperty("--at", range.value + "%");
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    range.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    move();
  };
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); follow(event); });
  stage.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  range.addEventListener("input", move);
  left.addEventListener("change", choose);
  right.addEventListener("change", choose);
  choose();
  move();
}

const NUMBERS = { inf: Infinity, None: NaN, nan: NaN, "": NaN };
const valueOf = (cell) => {
  const text = cell.dataset.value;
  if (text === undefined) return cell.textContent;
  return text in NUMBERS ? NUMBERS[text] : Number(text);
};
const compare = (a, b, sign) => {
  if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a === b ? 0 : a < b ? -sign : sign;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const body = table.tBodies[0];
      const keyed = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
      keyed.sort(([a], [b]) => compare(a, b, sign));
      body.append(...keyed.map(([, row]) => row));
    });
  });
}
