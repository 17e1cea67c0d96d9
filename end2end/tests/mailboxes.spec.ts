import { answer, expect, hydrated, signIn, test } from "./journey";

test("a mailbox tells the step at which its connection fails, and its pace is changed", async ({ page }, info) => {
  const address = `pace-${info.project.name}-${Date.now()}@halden-labs.example`;
  await signIn(page);
  await page.goto("/t/halden/settings/mailboxes");
  await hydrated(page);
  await page.getByLabel("Name that recipients read").fill("Nora Berg");
  await page.getByLabel("Address", { exact: true }).fill(address);
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill("1");
  await page.getByRole("button", { name: "Connect mailbox" }).click();
  await expect(page.getByText("Mailbox saved. Its connection is being tested.")).toBeVisible();
  await page.locator("section.card").filter({ hasText: address }).getByRole("link", { name: "Open" }).click();
  await expect(page.getByRole("heading", { name: "Connection test" })).toBeVisible();
  await expect(page.getByText("No campaign sends from it.")).toBeVisible();
  const steps = page.locator("section.card").filter({ hasText: "Connection test" }).getByRole("listitem");
  await expect(async () => {
    await page.reload();
    await expect(steps.filter({ hasText: /(Name look-up|Connection): failed/ })).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.getByText("Reconnect", { exact: true })).toBeVisible();

  await hydrated(page);
  await expect(page.getByText("0 of 20 in 24 hours, two more each day up to 50, 60 to 300 s apart")).toBeVisible();
  await page.getByLabel("Seconds between two e-mails, at most").fill("10");
  await page.getByRole("button", { name: "Save pace" }).click();
  await expect(page.getByText("Use at least the shortest gap").first()).toBeVisible();
  await page.getByLabel("Seconds between two e-mails, at most").fill("90");
  await page.getByLabel("E-mails in 24 hours, at most").fill("30");
  await page.getByLabel("Begin with 20 a day and grow").uncheck();
  await page.getByRole("button", { name: "Save pace" }).click();
  await expect(page.getByText("Pace saved.")).toBeVisible();
  await expect(page.getByText("0 of 30 in 24 hours, 60 to 90 s apart")).toBeVisible();

  await hydrated(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Mailbox paused.")).toBeVisible();
  await hydrated(page);
  await answer(page, /^Remove mailbox/);
  await expect(page.getByText("Mailbox removed.")).toBeVisible();
  await expect(page.getByText(address)).toHaveCount(0);
});

test("limits for the recipients of a domain are checked and kept", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/settings/mailboxes");
  await hydrated(page);
  await page.getByLabel("To one domain in an hour").fill("0");
  await page.getByRole("button", { name: "Save limits" }).click();
  await expect(page.getByText("Use 1 to 100,000, or nothing for no limit.").first()).toBeVisible();
  await page.getByLabel("To one domain in an hour").fill("90000");
  await page.getByRole("button", { name: "Save limits" }).click();
  await expect(page.getByText("Limits saved.")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("To one domain in an hour")).toHaveValue("90000");
  await hydrated(page);
  await page.getByLabel("To one domain in an hour").fill("");
  await page.getByRole("button", { name: "Save limits" }).click();
  await expect(page.getByText("Limits saved.")).toBeVisible();
});
