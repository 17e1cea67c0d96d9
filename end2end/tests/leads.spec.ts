import { expect, hydrated, signIn, test } from "./journey";

test("leads are searched, and the address keeps the search", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/leads");
  await hydrated(page);
  await page.getByRole("searchbox", { name: "Search leads" }).fill("corvus");
  await page.getByRole("searchbox", { name: "Search leads" }).press("Enter");
  await expect(page).toHaveURL(/q=corvus/);
  await expect(page.getByRole("link", { name: "Clear filters" }).or(page.getByRole("row").nth(1))).toBeVisible();
});

test("a lead is created, and refused the second time", async ({ page, browserName }, info) => {
  await signIn(page);
  const email = `new-${info.project.name}-${browserName}@corvus.example`;
  for (const outcome of ["created", "refused"]) {
    await page.goto("/t/halden/leads/new");
    await hydrated(page);
    await page.getByRole("textbox", { name: "E-mail" }).fill(email);
    await page.getByLabel("First name").fill("Nadia");
    await page.getByLabel("Last name").fill("Voss");
    await page.getByRole("button", { name: "Create lead" }).click();
    if (outcome === "created") {
      await expect(page.getByRole("heading", { level: 1, name: "Nadia Voss" })).toBeVisible();
    } else {
      await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
      await expect(page.getByText(/already/).first()).toBeVisible();
      await page.getByRole("link", { name: "Show the lead that has it" }).click();
      await expect(page.getByRole("link", { name: "Nadia Voss" }).first()).toBeVisible();
    }
  }
});

test("a note stands on the lead's page", async ({ page }, info) => {
  await signIn(page);
  await page.goto("/t/halden/leads?q=lead1%40");
  await page.locator("tbody a").first().click();
  await hydrated(page);
  const words = `Prefers the phone (${info.project.name})`;
  await page.getByLabel("Note").fill(words);
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.getByText(words).first()).toBeVisible();
});

test("all leads of a view are changed at once, and a deletion is asked about", async ({ page }) => {
  const tag = `seen-${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/leads?q=severn");
  await hydrated(page);
  await page.getByRole("row").nth(1).getByRole("checkbox").check();
  await page.getByLabel(/^All \d+ leads$/).check();
  await page.locator("select[name=action]").selectOption("tag:add");
  await page.locator("input[name=tag]").fill(tag);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText("25 leads were changed.")).toBeVisible();

  await page.goto(`/t/halden/leads?f.tag.has=${tag}`);
  await hydrated(page);
  await expect(page.getByText("25 leads", { exact: true })).toBeVisible();
  await page.getByRole("row").nth(1).getByRole("checkbox").check();
  await page.getByLabel(/^All \d+ leads$/).check();
  await page.locator("select[name=action]").selectOption("delete");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("heading", { name: "Delete 25 leads?" })).toBeVisible();
  await page.getByLabel("Type “delete” to go on").fill("yes");
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Delete 25 leads?" })).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByText("25 leads", { exact: true })).toBeVisible();
});

test("a ticked row stays ticked while colleagues change the list, and their news come afterwards", async ({ page }, info) => {
  test.skip(info.project.name === "no-js", "nothing moves by itself without scripts");
  await signIn(page);
  await page.goto("/t/halden/leads?sort=-activity");
  await hydrated(page);
  const row = page.getByRole("row").nth(3);
  const person = await row.getByRole("link").first().innerText();
  await row.getByRole("checkbox").check();

  const colleague = await page.context().newPage();
  await colleague.goto("/t/halden/leads?sort=-activity");
  await hydrated(colleague);
  const name = `Live ${info.project.name}${Date.now()}`;
  const writer = await page.context().newPage();
  await writer.goto("/t/halden/leads/new");
  await hydrated(writer);
  await writer.getByRole("textbox", { name: "E-mail" }).fill(`${name.replace(" ", "-")}@corvus.example`);
  await writer.getByLabel("First name").fill("Live");
  await writer.getByLabel("Last name").fill(name.slice(5));
  await writer.getByRole("button", { name: "Create lead" }).click();
  // Whoever is not in the middle of something has the news now.
  await expect(colleague.getByRole("link", { name })).toBeVisible();

  await expect(page.getByRole("row").nth(3).getByRole("link").first()).toHaveText(person);
  await expect(row.getByRole("checkbox")).toBeChecked();
  await row.getByRole("checkbox").uncheck();
  await expect(page.getByRole("link", { name })).toBeVisible();
});

test("a question stays open while news arrive, also those that were on their way before it was asked", async ({ page }, info) => {
  test.skip(info.project.name === "no-js", "nothing moves by itself without scripts");
  await signIn(page);
  await page.goto("/t/halden/leads?q=lead2%40");
  await page.locator("tbody a").first().click();
  await page.waitForURL(/\/leads\/[0-9a-f-]{36}$/);
  await hydrated(page);

  // The next time that the page is loaded again, its answer comes when the test lets it.
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  let asked = () => {};
  const onItsWay = new Promise<void>((done) => (asked = done));
  await page.route(/\/sf\/load_lead/, async (route) => {
    asked();
    await held;
    await route.continue();
  });
  const colleague = await page.context().newPage();
  await colleague.goto(page.url());
  await hydrated(colleague);
  const words = `Called back (${info.project.name} ${Date.now()})`;
  await colleague.getByLabel("Note").fill(words);
  await colleague.getByRole("button", { name: "Add note" }).click();
  await onItsWay;

  const question = page.locator("details.confirm").filter({ hasText: "Delete this lead" });
  await question.locator("summary").click();
  const answered = page.waitForResponse(/\/sf\/load_lead/);
  release();
  await (await answered).finished();
  await expect(colleague.getByText(words).first()).toBeVisible();
  await expect(question).toHaveAttribute("open", "");
  await expect(page.getByText(words)).toHaveCount(0);
  // Nobody is in the middle of anything any more: the news are shown.
  await question.locator("summary").click();
  await expect(page.getByText(words).first()).toBeVisible();
});
