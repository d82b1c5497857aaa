export type Theme = "light" | "dark";

const KEY = "nexflow.theme";

/** The colours of the page: the system's choice until a person makes another. */
export class ThemeSwitch {
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  readonly #onChange: (theme: Theme) => void;

  constructor(onChange: (theme: Theme) => void) {
    this.#onChange = onChange;
    this.#system.addEventListener("change", () => this.#show());
    this.#show();
  }

  get theme(): Theme {
    const chosen = localStorage.getItem(KEY);
    return chosen === "light" || chosen === "dark" ? chosen : this.#systemTheme();
  }

  /** Changes to the other theme; choosing what the system says follows the system again. */
  toggle(): void {
    const next = this.theme === "dark" ? "light" : "dark";
    if (next === this.#systemTheme()) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
    this.#show();
  }

  #systemTheme(): Theme {
    return this.#system.matches ? "dark" : "light";
  }

  #show(): void {
    const { theme } = this;
    document.documentElement.dataset["theme"] = theme;
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--side");
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
      meta.setAttribute("content", colour.trim());
    }
    this.#onChange(theme);
  }
}
