import { expect, hydrated, signIn, test } from "./journey";

// What agents did is told by period, and every figure says what it counts.
test("the figures of agents are read by period", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/agents");
  await page.getByRole("main").getByRole("link", { name: "list-cleaner", exact: true }).click();
  await page.getByRole("main").getByRole("link", { name: "Run", exact: true }).click();
  await expect(page.getByRole("button", { name: "Start run" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Task", { exact: true }).fill("Look at the leads");
  await page.getByRole("button", { name: "Start run" }).click();
  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}/);

  await page.goto("/t/halden/analytics/agents");
  await expect(page.getByRole("heading", { name: "Runs per day" })).toBeVisible();
  const agents = page.getByRole("region", { name: "By agent" });
  await expect(agents.getByRole("link", { name: "list-cleaner", exact: true })).toBeVisible();
  await page.getByRole("link", { name: "90 days" }).click();
  await expect(page).toHaveURL(/period=90d/);
  await expect(page.getByText("last 90 days")).toBeVisible();
  await expect(page.getByRole("heading", { name: "What is counted" })).toBeVisible();
  const file = await page.getByRole("link", { name: "Export CSV" }).getAttribute("href");
  const answer = await page.request.get(file ?? "");
  expect(answer.headers()["content-type"]).toContain("text/csv");
  expect(await answer.text()).toContain("list-cleaner,marketing");
});

// A report is asked for on the page of a campaign and found in the library.
test("the report of a campaign is a text of the library", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/campaigns");
  await page.getByRole("main").locator('a[href*="/campaigns/"]:not([href$="/new"])').first().click();
  await expect(page.getByRole("button", { name: /^More actions for/ })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: /^More actions for/ }).click();
  await page.getByRole("button", { name: "Make report" }).click();
  await expect(page).toHaveURL(/\/content\?kind=report/);
  await expect(async () => {
    await page.goto("/t/halden/content?kind=report");
    await expect(page.getByRole("link", { name: /^Report of / }).first()).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await page.getByRole("link", { name: /^Report of / }).first().click();
  await expect(page.getByText("E-mails sent").first()).toBeVisible();
});
