import { test as base, expect, type Locator, type Page } from "@playwright/test";

// A page whose console stays clean: a warning of hydration is a failure.
export const test = base.extend({
  page: async ({ page }, use) => {
    const said: string[] = [];
    page.on("console", (m) => {
      if (["error", "warning"].includes(m.type())) said.push(`${m.type()}: ${m.text()}`);
    });
    page.on("pageerror", (e) => said.push(`page error: ${e.message}`));
    await use(page);
    // How soon the browser came to use a font is a matter of its load; that each font is used, the accessibility walk tells.
    const expected = ["status of 4", "was preloaded using link preload but not used within a few seconds"];
    expect(said.filter((s) => !expected.some((e) => s.includes(e)))).toEqual([]);
  },
});

export { expect };

export const password = "correct horse battery";

export async function signIn(page: Page, email = "nora@halden.example") {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/t\/halden/);
}

// In the browser, waits until the scripts have taken the page over; without scripts there is nothing to wait for.
export async function hydrated(page: Page) {
  if (base.info().project.name === "no-js") return;
  await page.waitForFunction(() => document.body.dataset.hydrated === "true");
}

// Opens a question and answers it; `place` is where it stands, when a page has several.
export async function answer(place: Page | Locator, button: RegExp) {
  await place.locator("details.confirm summary").click();
  await place.getByRole("button", { name: button }).click();
}
