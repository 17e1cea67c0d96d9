import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { draftCampaign, expect, hydrated, importLeads, signIn, test } from "./journey";

// Enough that some are still to leave when somebody pauses.
const LEADS = 200;

test("a pause while e-mails leave is proved, and the campaign goes on", async ({ page }, info) => {
  test.setTimeout(180_000);
  page.setDefaultTimeout(15_000);
  const tag = `proof-${info.project.name}-${Date.now()}`;
  await signIn(page);
  await importLeads(page, tag, Array.from({ length: LEADS }, (_, n) => `lead${n};Lead`));
  const own = await draftCampaign(page, tag, 2);

  await page.goto(`${own}/launch`);
  await hydrated(page);
  await page.locator("summary", { hasText: `Start sending to ${LEADS} leads` }).click();
  await page.getByRole("button", { name: `Start sending to ${LEADS} leads` }).click();
  await expect(page.getByText("Started. The first e-mails leave in its sending window.")).toBeVisible();
  // The first has left.
  await expect(async () => {
    await page.goto(`${own}/mails?state=sent`);
    await expect(page.getByRole("cell", { name: "Sent", exact: true }).first()).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.goto(own);
  await hydrated(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();

  await page.getByRole("link", { name: "Send proofs" }).click();
  const table = page.getByRole("region", { name: "Send proofs" }).getByRole("table");
  const download = page.getByRole("link", { name: "Download proof 1" });
  await expect(async () => {
    // With scripts it appears by itself.
    if (info.project.name === "no-js") await page.reload();
    await expect(download).toBeVisible({ timeout: 1000 });
  }).toPass();
  const row = table.getByRole("row").nth(1);
  await expect(row.getByRole("rowheader")).toContainText("Paused");
  await expect(row.getByRole("cell", { name: `${LEADS} of ${LEADS}` })).toBeVisible();
  const sent = Number(await row.getByRole("cell").nth(1).innerText());
  expect(sent).toBeGreaterThan(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);

  // The file is the one that the page speaks of, and has a row for each lead.
  const [file] = await Promise.all([page.waitForEvent("download"), download.click()]);
  const bytes = readFileSync((await file.path())!);
  expect(file.suggestedFilename()).toMatch(/\.csv$/);
  expect(await table.locator("code").first().innerText()).toBe(createHash("sha256").update(bytes).digest("hex"));
  const [head, ...lines] = bytes.toString("utf8").trimEnd().split(/\r?\n/);
  const columns = head.split(",");
  expect(lines).toHaveLength(LEADS);
  const rows = lines.map((line) => line.split(","));
  const of = (name: string) => rows.map((cells) => cells[columns.indexOf(name)]);
  expect(new Set(of("email")).size).toBe(LEADS);
  expect(of("email").every((email) => email.startsWith(`${tag}-lead`))).toBe(true);
  expect(of("emails_sent").reduce((sum, n) => sum + Number(n), 0)).toBe(sent);

  // Nothing of it changes once the campaign goes on.
  await page.goto(own);
  await hydrated(page);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
  await expect(page.getByText(`${LEADS} of ${LEADS} leads accounted for`)).toBeVisible();
  const again = await page.request.get(`${own}/proofs/1/file`);
  expect(Buffer.compare(await again.body(), bytes)).toBe(0);
});
