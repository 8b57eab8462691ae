// The looks: what was chosen is kept in a cookie, so that the server writes it into the page and nothing blinks.
const COOKIE = "aspecto";
const YEAR = 365 * 24 * 3600;
const buttons = document.querySelectorAll("[data-choose-theme]");

for (const button of buttons) {
  button.addEventListener("click", () => {
    const theme = button.dataset.chooseTheme;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    document.cookie = `${COOKIE}=${theme}; path=/; max-age=${theme ? YEAR : 0}; samesite=lax`;
    for (const each of buttons) each.setAttribute("aria-pressed", each === button);
  });
}

// A menu closes when one goes elsewhere, or with Escape.
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("pointerdown", ({ target }) => menu.contains(target) || (menu.open = false));
  menu.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !menu.contains(relatedTarget) && (menu.open = false));
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
