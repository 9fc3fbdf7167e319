// A bar of a scale-out leads to the row that says what it was made from, which may be closed.
(() => {
  const reveal = (id) => {
    const row = id && document.getElementById(id);
    if (!row || !id.startsWith("so-")) return;
    for (let one = row; one; one = one.parentElement) if (one.localName === "details") one.open = true;
    (row.localName === "tr" ? row : row.querySelector("summary")).focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  };
  document.querySelectorAll(".so-link").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    reveal(link.getAttribute("href").slice(1));
  }));
  addEventListener("hashchange", () => reveal(location.hash.slice(1)));
  reveal(location.hash.slice(1));
})();
