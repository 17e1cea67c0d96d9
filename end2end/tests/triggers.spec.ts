import { answer, expect, hydrated, signIn, test } from "./journey";

test("a schedule is made, corrected, run, disabled and deleted", async ({ page }, info) => {
  const name = `Early look ${info.project.name} ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/agents?q=audience-auditor");
  await page.getByRole("link", { name: "audience-auditor", exact: true }).click();
  await hydrated(page);
  await page.getByRole("link", { name: "Schedule and triggers" }).click();
  await page.getByRole("link", { name: "Schedule", exact: true }).click();
  await expect(page.getByRole("heading", { name: "New trigger: Schedule" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Plan", { exact: true }).fill("every day");
  await page.getByLabel("Task", { exact: true }).fill("Look at the leads.");
  await page.getByRole("button", { name: "Save trigger" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("This is no plan").first()).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
  await page.getByLabel("Plan", { exact: true }).fill("0 6 * * MON");
  await page.getByRole("button", { name: "Save trigger" }).click();
  await expect(page.getByText("Trigger saved. Its runs have your rights.")).toBeVisible();

  const card = page.locator("section.card").filter({ has: page.getByRole("heading", { name, exact: true }) });
  await expect(card).toContainText("06:00");
  await expect(card.getByRole("listitem")).toHaveCount(5);
  await hydrated(page);
  await page.getByRole("button", { name: `Run now: ${name}` }).click();
  await expect(page.getByText("Run started.")).toBeVisible();
  await page.goBack();
  await hydrated(page);
  await page.getByRole("link", { name: `What happened ${name}` }).click();
  await expect(page.getByText("Nora Berg has run it")).toBeVisible();
  await page.getByRole("link", { name: "All triggers" }).click();

  await hydrated(page);
  await page.getByRole("button", { name: `Disable: ${name}` }).click();
  await expect(page.getByText("Trigger disabled.")).toBeVisible();
  await expect(card).toContainText("Disabled");
  await page.getByRole("link", { name: `Change ${name}` }).click();
  await hydrated(page);
  await expect(page.getByLabel("Plan", { exact: true })).toHaveValue("0 6 * * MON");
  await page.getByRole("link", { name: "Cancel" }).click();
  await hydrated(page);
  await answer(card, /^Delete trigger/);
  await expect(page.getByText("Trigger deleted.")).toBeVisible();
  await expect(page.getByRole("heading", { name, exact: true })).toHaveCount(0);
});
