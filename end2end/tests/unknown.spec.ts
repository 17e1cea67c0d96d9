import { answer, appears, draftCampaign, expect, hydrated, importLeads, signIn, test } from "./journey";

// The sandbox takes mails to `silent+..@` and hangs up, so nobody is told whether they were taken.
test("a campaign asks what to do with e-mails whose server has said nothing", async ({ page }) => {
  test.setTimeout(120_000);
  page.setDefaultTimeout(10_000);
  const tag = `silent+${Date.now()}`;
  await signIn(page);
  await importLeads(page, tag, ["ana;Ana", "ben;Ben"]);
  const own = await draftCampaign(page, tag, 1);
  await hydrated(page);
  await page.getByLabel("Ask us about each").check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Ask us about each")).toBeChecked();

  await page.goto(`${own}/launch`);
  await hydrated(page);
  await page.locator("summary", { hasText: "Start sending to 2 leads" }).click();
  await page.getByRole("button", { name: "Start sending to 2 leads" }).click();
  await expect(page.getByText("Started. The first e-mails leave in its sending window.")).toBeVisible();
  await appears(page.getByText("2 e-mails are unknown."));

  await page.goto(`${own}/mails?state=unknown`);
  await hydrated(page);
  const questions = page.locator(".questions li");
  await expect(questions).toHaveCount(2);
  await answer(questions.filter({ hasText: "Ana" }), /Send it once more/);
  await expect(page.getByText("It is handed over once more in the next sending window.")).toBeVisible();
  await hydrated(page);
  await questions.filter({ hasText: "Ben" }).getByRole("button", { name: "Leave it unknown" }).click();
  await expect(page.getByText("It stays unknown.").first()).toBeVisible();

  // The second try of Ana's meets the same silence, and there is no third.
  await expect(questions).toHaveCount(0);
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("link", { name: `${tag} step 1` })).toHaveCount(3, { timeout: 1000 });
  }).toPass();
  await page.goto(`${own}/mails?state=unknown`);
  await expect(page.getByText(`${tag} step 1`).first()).toBeVisible();
  await expect(questions).toHaveCount(0);
});
