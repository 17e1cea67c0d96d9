import AxeBuilder from "@axe-core/playwright";
import { expect, hydrated, signIn, test } from "./journey";

const pages = [
  "/t/halden",
  "/t/halden/leads",
  "/t/halden/leads/new",
  "/t/halden/leads/import",
  "/t/halden/accounts",
  "/t/halden/campaigns",
  "/t/halden/campaigns/new",
  "/t/halden/sandbox",
  "/t/halden/settings/company",
  "/t/halden/settings/mailboxes",
  "/t/halden/settings/members",
  "/t/halden/settings/suppressions",
  "/t/halden/settings/audit",
];

test("no page breaks a rule of accessibility", async ({ page }, info) => {
  test.skip(info.project.name === "no-js", "the checker is a script");
  test.setTimeout(180_000);
  await page.goto("/login");
  expect((await new AxeBuilder({ page }).analyze()).violations.map((v) => v.id)).toEqual([]);
  await signIn(page);
  for (const path of pages) {
    await page.goto(path);
    await hydrated(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((v) => `${path}: ${v.id} ${v.nodes[0]?.html.slice(0, 200)}`)).toEqual([]);
  }
});
