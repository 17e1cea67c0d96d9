import { expect, hydrated, signIn, test } from "./journey";

// The story of the product: a file becomes leads, leads get a campaign, mails leave, somebody leaves.
test("from a CSV file to mails, a pause, and an unsubscribe", async ({ page }, info) => {
  test.setTimeout(120_000);
  page.setDefaultTimeout(10_000);
  const tag = `story-${Date.now()}`;
  await signIn(page);

  await page.goto("/t/halden/leads/import");
  await hydrated(page);
  await page.getByLabel("CSV file with leads").setInputFiles({
    name: "leads.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(
      `E-Mail;Vorname;Firma\n${tag}-ana@story.example;Ana;Story Ltd\n${tag}-ben@story.example;Ben;Story Ltd\nnot an address;Cleo;Story Ltd\n`,
    ),
  });
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByRole("heading", { name: "What is in the columns?" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Tag for all of them").fill(tag);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(async () => {
    if (info.project.name === "no-js") await page.reload();
    await expect(page.getByRole("button", { name: "Import 2 leads" })).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.getByRole("button", { name: "Import 2 leads" }).click();
  await expect(async () => {
    if (info.project.name === "no-js") await page.reload();
    await expect(page.getByRole("heading", { name: "Import done" })).toBeVisible({ timeout: 1000 });
  }).toPass();

  await page.goto("/t/halden/campaigns/new");
  await hydrated(page);
  await page.getByLabel("Name").fill(tag);
  await page.getByRole("button", { name: "Create draft" }).click();
  const addStep = async (n: number) => {
    await expect(page.getByRole("button", { name: "Add step" })).toBeVisible();
    await hydrated(page);
    await page.getByRole("button", { name: "Add step" }).click();
    await page.waitForURL(/sequence\/[0-9a-f-]{36}/);
    await hydrated(page);
    await page.getByLabel("Subject", { exact: true }).fill(`${tag} step ${n}`);
    await page.getByLabel("Text", { exact: true }).fill("Hi {first_name|there},\n\nhow are you?");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Saved.").first()).toBeVisible();
    await page.goto(page.url().replace(/\/sequence\/.*/, "/sequence"));
  };
  await addStep(1);
  await addStep(2);
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

  await page.goto(`${own}/launch`);
  await page.getByRole("link", { name: "Open the simulation" }).click();
  await page.waitForURL(/\/simulation/);
  await hydrated(page);
  await page.getByRole("button", { name: "Simulate", exact: true }).click();
  await expect(async () => {
    if (info.project.name === "no-js") await page.reload();
    await expect(page.getByText("at most 2 a day")).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.goto(`${own}/sequence`);
  await addStep(3);
  await page.goto(`${own}/simulation`);
  await expect(async () => {
    if (info.project.name === "no-js") await page.reload();
    await expect(page.getByText("6 (was 4)")).toBeVisible({ timeout: 1000 });
  }).toPass();

  await page.goto(`${own}/launch`);
  await hydrated(page);
  await page.locator("summary", { hasText: "Start sending to 2 leads" }).click();
  await expect(page.getByText(/The first e-mails leave in the next sending window .* You can pause or stop at any time\./)).toBeVisible();
  await page.getByRole("button", { name: "Start sending to 2 leads" }).click();
  await page.waitForURL(/done=started/);
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("link", { name: `${tag} step 1` })).toHaveCount(2, { timeout: 1000 });
  }).toPass();

  await page.goto(own);
  await hydrated(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();

  await page.goto("/t/halden/sandbox");
  await page.getByRole("link", { name: `${tag} step 1` }).first().click();
  const leave = await page.getByRole("link", { name: /\/p\// }).getAttribute("href");
  await page.goto(new URL(leave!).pathname);
  await expect(page.getByRole("heading", { name: "No more e-mails?" })).toBeVisible();
  await page.getByRole("button", { name: "Stop all e-mails" }).click();
  await expect(page.getByRole("heading", { name: "Done" })).toBeVisible();

  await page.goto(`${own}/enrolments`);
  await expect(page.getByRole("cell", { name: "Unsubscribed" })).toHaveCount(1);
  await page.goto(own);
  await expect(page.getByText("2 of 2 leads accounted for")).toBeVisible();
});
