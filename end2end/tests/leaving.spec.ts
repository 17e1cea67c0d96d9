import { expect, hydrated, signIn, test } from "./journey";

test.beforeEach(async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "without scripts a page is what the server sent");
  await signIn(page);
  await page.goto("/t/halden/leads");
  await page.getByRole("region", { name: "Leads table" }).getByRole("cell").getByRole("link").first().click();
  await page.waitForURL(/\/leads\/[0-9a-f-]{36}/);
  await hydrated(page);
});

test("whoever leaves words behind is asked, and nobody else", async ({ page }) => {
  const lead = page.url();
  const note = page.getByLabel("Note", { exact: true });
  const out = page.getByRole("main").getByRole("link", { name: "Leads", exact: true });
  const asked: string[] = [];
  let stay = true;
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void (stay ? dialog.dismiss() : dialog.accept());
  });

  await note.fill("Likes the blue one.");
  await out.click();
  expect(asked).toEqual(["Leave this page? What you have written on it is not kept."]);
  expect(page.url()).toBe(lead);
  await expect(note).toHaveValue("Likes the blue one.");

  stay = false;
  await out.click();
  await page.waitForURL(/\/leads$/);
  expect(asked.length).toBe(2);

  await page.goto(lead);
  await hydrated(page);
  const kept = `Kept ${Date.now()}`;
  await note.fill(kept);
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.getByText("Note added.")).toBeVisible();
  await out.click();
  await page.waitForURL(/\/leads$/);
  expect(asked.length).toBe(2);
});

test("a page that is older than the server says so, and loses nothing", async ({ page }) => {
  await page.getByLabel("Note", { exact: true }).fill("Written on the older page");
  await page.evaluate(() => {
    const form = [...document.forms].find((form) => form.querySelector("textarea"));
    form?.setAttribute("action", "/sf/add_note_of_an_older_version");
  });
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.getByText("A new version is ready. Reload the page and do this again.")).toBeVisible();
  await expect(page.getByLabel("Note", { exact: true })).toHaveValue("Written on the older page");

  await page.route("**/t/halden/live", (route) =>
    route.fulfill({ contentType: "text/event-stream", body: "event: version\ndata: another\n\n" }),
  );
  await page.goto(page.url());
  await expect(page.getByRole("status").filter({ hasText: "A new version is ready." })).toBeVisible();
  await page.unroute("**/t/halden/live");
  await page.getByRole("link", { name: "Reload" }).click();
  await hydrated(page);
  await expect(page.getByRole("status").filter({ hasText: "A new version is ready." })).toHaveCount(0);
});

test("while the server is away what was written stays", async ({ page, context }) => {
  const words = `Written without a line ${Date.now()}`;
  await page.getByLabel("Note", { exact: true }).fill(words);
  await context.setOffline(true);
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.getByText("The server could not be reached.")).toBeVisible();
  await context.setOffline(false);
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.getByText("Note added.")).toBeVisible();
  await expect(page.getByText("The server could not be reached.")).toHaveCount(0);
  await expect(page.getByRole("main").getByText(words, { exact: true })).toBeVisible();
});
