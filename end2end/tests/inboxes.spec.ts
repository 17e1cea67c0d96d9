import { answer, expect, hydrated, signIn, test } from "./journey";

test("replies to a mailbox are read from a server that is entered, and a failing step is told", async ({ page }, info) => {
  const address = `replies-${info.project.name}-${Date.now()}@halden-labs.example`;
  await signIn(page);
  await page.goto("/t/halden/settings/mailboxes");
  await hydrated(page);
  await page.getByLabel("Name that recipients read").fill("Nora Berg");
  await page.getByLabel("Address", { exact: true }).fill(address);
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByRole("button", { name: "Connect mailbox" }).click();
  const card = page.locator("section.card").filter({ hasText: address });
  await card.getByRole("link", { name: /^Replies/ }).click();

  await expect(page.getByRole("heading", { name: "Read replies" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("IMAP server").fill("127.0.0.1");
  await page.getByLabel("Port", { exact: true }).fill("1");
  await page.getByRole("button", { name: "Save and connect" }).click();
  await expect(page.getByText("Enter the password.").first()).toBeVisible();
  await expect(page.getByLabel("IMAP server")).toHaveValue("127.0.0.1");
  await page.getByLabel("Password").fill("opensesame");
  await page.getByRole("button", { name: "Save and connect" }).click();
  await expect(page.getByText("Saved. A worker connects now.")).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("Not reading replies")).toBeVisible({ timeout: 1000 });
  }).toPass();

  await hydrated(page);
  await answer(page, /^Stop reading replies/);
  await expect(page.getByText("Replies to this mailbox are read no more.")).toBeVisible();
});
