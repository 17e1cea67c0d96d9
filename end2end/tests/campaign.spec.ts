import { addStep, appears, draftCampaign, expect, hydrated, importLeads, signIn, test } from "./journey";

// The story of the product: a file becomes leads, leads get a campaign, mails leave, somebody leaves.
test("from a CSV file to mails, a pause, and an unsubscribe", async ({ page }) => {
  test.setTimeout(120_000);
  page.setDefaultTimeout(10_000);
  const tag = `story-${Date.now()}`;
  await signIn(page);

  await importLeads(page, tag, ["ana;Ana", "ben;Ben"]);
  const own = await draftCampaign(page, tag, 2);

  await page.goto(`${own}/launch`);
  await page.getByRole("link", { name: "Open the simulation" }).click();
  await page.waitForURL(/\/simulation/);
  await hydrated(page);
  await page.getByRole("button", { name: "Simulate", exact: true }).click();
  await appears(page.getByText("at most 2 a day"));
  await page.goto(`${own}/sequence`);
  await addStep(page, `${tag} step 3`);
  await page.goto(`${own}/simulation`);
  await appears(page.getByText("6 (was 4)"));

  await page.goto(`${own}/launch`);
  await hydrated(page);
  await page.locator("summary", { hasText: "Start sending to 2 leads" }).click();
  await expect(page.getByText(/The first e-mails leave in the next sending window .* You can pause or stop at any time\./)).toBeVisible();
  await page.getByRole("button", { name: "Start sending to 2 leads" }).click();
  await expect(page.getByText("Started. The first e-mails leave in its sending window.")).toBeVisible();
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("link", { name: `${tag} step 1` })).toHaveCount(2, { timeout: 1000 });
  }).toPass();

  // A command leaves people on the tab where they gave it, and the log tells of it.
  await page.goto(own);
  await page.getByRole("link", { name: "All of it" }).click();
  await page.waitForURL(/\/log$/);
  await expect(page.getByRole("button", { name: "Filter this list" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Paused. E-mails already handed over will still arrive.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
  await expect(page).toHaveURL(/\/log/);
  await hydrated(page);
  await page.getByRole("button", { name: "Filter this list" }).click();
  await page.getByLabel("What happened", { exact: true }).selectOption("paused");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/f\.kind\.is=paused/);
  await hydrated(page);
  await expect(page.getByRole("cell", { name: "Paused", exact: true })).toHaveCount(1);
  await page.locator("summary", { hasText: "Record" }).click();
  await expect(page.getByText('"kind": "paused"')).toBeVisible();
  const file = await page.request.get((await page.getByRole("link", { name: "Download CSV" }).getAttribute("href"))!);
  expect((await file.text()).trimEnd().split(/\r?\n/)).toEqual([expect.stringMatching(/^at,kind,what,/), expect.stringContaining(",paused,Paused,")]);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();

  await page.goto(`${own}/enrolments`);
  const choose = async (action: string, all = false) => {
    await hydrated(page);
    await page.getByRole("checkbox", { name: /^Select Ana/ }).check();
    if (test.info().project.name !== "no-js") await expect(page.getByText("1 selected")).toBeVisible();
    if (all) await page.getByLabel("All 2 leads").check();
    await page.locator("select[name=action]").selectOption(action);
    await page.getByRole("button", { name: "Apply" }).click();
  };
  await choose("pause");
  await expect(page.getByText("1 lead paused.")).toBeVisible();
  await expect(page.getByRole("cell", { name: "Paused", exact: true })).toHaveCount(1);
  await choose("resume", true);
  await expect(page.getByText("1 of 2 leads resumed. Left as they were: 1 so already, or changed in the meantime.")).toBeVisible();
  await choose("skip", true);
  await expect(page.getByRole("heading", { name: "Skip the step that 2 leads are at?" })).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  const third = page.locator("select[name=action] option", { hasText: `${tag} step 3` });
  await choose((await third.getAttribute("value"))!);
  await expect(page.getByRole("heading", { name: "Move 1 lead to step 3?" })).toBeVisible();
  await page.getByRole("button", { name: "Move" }).click();
  await expect(page.getByText("1 lead moved to the step.")).toBeVisible();

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
