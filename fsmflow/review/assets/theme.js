// Light and dark: as the system has it, until the button is pressed; it is remembered for this page only.

const dark = matchMedia("(prefers-color-scheme: dark)");

function bindTheme() {
  byId("theme").addEventListener("click", toggleTheme);
  dark.addEventListener("change", showTheme);
  showTheme();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? dark.matches : chosen === "dark";
}

function toggleTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
}

function showTheme() {
  const button = byId("theme");
  button.textContent = isDark() ? "Light" : "Dark";
  button.title = `Show the page in ${isDark() ? "light" : "dark"} colours (t)`;
  strip?.redraw();
}
