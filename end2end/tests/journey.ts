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
    // A line that a journey cuts is meant to be cut.
    const cut = "net::ERR_INTERNET_DISCONNECTED";
    // The frame of a mail runs nothing, not even what looks into it from outside.
    const framed = "Blocked script execution in";
    const expected = ["status of 4", cut, framed, "was preloaded using link preload but not used within a few seconds"];
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
  const question = place.locator("details.confirm");
  // What an answer before it has brought may come just now, and close it.
  await expect(async () => {
    if (!(await question.evaluate((details: HTMLDetailsElement) => details.open))) await question.locator("summary").click();
    await place.getByRole("button", { name: button }).click({ timeout: 1000 });
  }).toPass();
}

// Waits for something that comes by itself; without scripts the page is asked for again.
export async function appears(what: Locator) {
  await expect(async () => {
    if (base.info().project.name === "no-js") await what.page().reload();
    await expect(what).toBeVisible({ timeout: 1000 });
  }).toPass();
}

// Leads from a file, with `tag`; each of `people` is the beginning of an address and a first name. A row without an
// address stays out.
export async function importLeads(page: Page, tag: string, people: string[]) {
  const rows = people.map((person) => `${tag}-${person.replace(";", "@story.example;")};Story Ltd`);
  await page.goto("/t/halden/leads/import");
  await hydrated(page);
  await page.getByLabel("CSV file with leads").setInputFiles({
    name: "leads.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(["E-Mail;Vorname;Firma", ...rows, "not an address;Cleo;Story Ltd", ""].join("\n")),
  });
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByRole("heading", { name: "What is in the columns?" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Tag for all of them").fill(tag);
  await page.getByRole("button", { name: "Continue" }).click();
  const go = page.getByRole("button", { name: `Import ${people.length} leads` });
  await appears(go);
  await go.click();
  await appears(page.getByRole("heading", { name: "Import done" }));
}

// Adds an e-mail at the end of the sequence that is open.
export async function addStep(page: Page, subject: string) {
  await expect(page.getByRole("button", { name: "Add step" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Add step" }).click();
  await page.waitForURL(/sequence\/[0-9a-f-]{36}/);
  await hydrated(page);
  await page.getByLabel("Subject", { exact: true }).fill(subject);
  await page.getByLabel("Text", { exact: true }).fill("Hi {first_name|there},\n\nhow are you?");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.").first()).toBeVisible();
  await page.goto(page.url().replace(/\/sequence\/.*/, "/sequence"));
}

// A draft to the leads with `tag`, that may send at any time; its address.
export async function draftCampaign(page: Page, tag: string, steps: number) {
  await page.goto("/t/halden/campaigns/new");
  await hydrated(page);
  await page.getByLabel("Name").fill(tag);
  await page.getByRole("button", { name: "Create draft" }).click();
  for (let n = 1; n <= steps; n++) await addStep(page, `${tag} step ${n}`);
  const own = page.url().replace(/\/sequence.*/, "");

  await page.goto(`${own}/settings`);
  await hydrated(page);
  await page.getByLabel("Everybody who matches").check();
  await page.getByLabel("Tags").fill(tag);
  await page.getByLabel("nora@halden-labs.example").check();
  for (const day of ["Saturday", "Sunday"]) await page.getByLabel(day).check();
  await page.getByLabel("From", { exact: true }).fill("00:00");
  await page.getByLabel("To", { exact: true }).fill("24:00");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.").first()).toBeVisible();
  return own;
}
