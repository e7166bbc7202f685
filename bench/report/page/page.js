// Sorts and filters the table. Without it, the page shows every row in the run's order. What is shown
// stands in the address (#sort=-median_s&tier=numba&text=svm), so that a view can be passed on.
"use strict";
(() => {
  const table = document.querySelector("#table table");
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const keys = headings.map((heading) => heading.dataset.key);
  const rows = [...body.rows];
  let sort = ""; // a column's key, after a minus where the largest come first

  const valueOf = (row, column) => {
    const order = row.cells[column].dataset.order;
    return order === undefined ? null : Number(order);
  };

  const sorted = () => {
    const descending = sort.startsWith("-");
    const column = keys.indexOf(sort.replace("-", ""));
    if (column < 0) return rows;
    return [...rows].sort((one, other) => {
      const a = valueOf(one, column);
      const b = valueOf(other, column);
      if (a !== null && b !== null) return descending ? b - a : a - b;
      if (a !== null || b !== null) return a === null ? 1 : -1; // what has none comes last
      const texts = [one, other].map((row) => row.cells[column].textContent);
      if ((texts[0] === "") !== (texts[1] === "")) return texts[0] === "" ? 1 : -1;
      return texts[0].localeCompare(texts[1]) * (descending ? -1 : 1);
    });
  };

  const isWanted = (row, wanted) =>
    wanted.every(([name, value]) =>
      name === "text"
        ? value.toLowerCase().split(/\s+/).every((word) => row.textContent.toLowerCase().includes(word))
        : row.cells[keys.indexOf(name)].textContent === value
    );

  const show = () => {
    const wanted = [...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value);
    body.append(...sorted());
    let count = 0;
    for (const row of rows) {
      row.hidden = !isWanted(row, wanted);
      if (!row.hidden) count += 1;
    }
    headings.forEach((heading, column) => {
      const order = { [keys[column]]: "ascending", [`-${keys[column]}`]: "descending" }[sort];
      if (order) heading.setAttribute("aria-sort", order);
      else heading.removeAttribute("aria-sort");
    });
    shown.textContent = `${count} of ${rows.length} cells`;
    return new URLSearchParams([...(sort ? [["sort", sort]] : []), ...wanted]);
  };

  const changed = () => {
    const view = show().toString();
    history.replaceState(null, "", view ? `#${view}` : location.pathname + location.search);
  };

  const readAddress = () => {
    const address = location.hash.slice(1);
    if (address && !address.includes("=")) return show(); // a place on the page
    const view = new URLSearchParams(address);
    sort = view.get("sort") ?? "";
    for (const field of form.elements) if (field.name) field.value = view.get(field.name) ?? "";
    show();
    if (address) document.getElementById("table").scrollIntoView();
  };

  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => {
      const key = keys[column];
      sort = sort === key ? `-${key}` : key;
      changed();
    });
    heading.replaceChildren(button);
  });
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    sort = "";
    setTimeout(changed); // after the fields are empty
  });
  addEventListener("hashchange", readAddress);
  form.hidden = false;
  readAddress();
})();
