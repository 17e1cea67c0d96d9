import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, hydrated, signIn, test } from "./journey";

const open = ["/login", "/signup", "/docs/api", "/no-such-page"];
const inside = [
  "/t/halden",
  "/t/halden/leads",
  "/t/halden/leads/new",
  "/t/halden/leads/import",
  "/t/halden/accounts",
  "/t/halden/campaigns",
  "/t/halden/campaigns/new",
  "/t/halden/sandbox",
  "/t/halden/agents",
  "/t/halden/agents?autonomy=asks",
  "/t/halden/agents/new",
  "/t/halden/agents/import",
  "/t/halden/content",
  "/t/halden/content/new",
  "/t/halden/conversations",
  "/t/halden/content/documents",
  "/t/halden/content/documents?new=1",
  "/t/halden/tasks",
  "/t/halden/workflows",
  "/t/halden/workflows/new",
  "/t/halden/workflows/new?kind=replied",
  "/t/halden/workflows/new?kind=status_changed",
  "/t/halden/runs",
  "/t/halden/runs?f.state.is=succeeded&f.by.is=person",
  "/t/halden/inbox",
  "/t/halden/inbox?tab=all",
  "/t/halden/approvals",
  "/t/halden/analytics/agents",
  "/t/halden/approvals/passing",
  "/t/halden/settings/company",
  "/t/halden/settings/mailboxes",
  "/t/halden/settings/domains",
  "/t/halden/settings/members",
  "/t/halden/settings/suppressions",
  "/t/halden/settings/models",
  "/t/halden/settings/writing",
  "/t/halden/settings/connectors",
  "/t/halden/settings/keys",
  "/t/halden/settings/audit",
  "/t/halden/more",
];

// Every rule that the page breaks, with the first place where it does. Of the dark theme only the colours are new.
async function broken(page: Page): Promise<string[]> {
  const found = [];
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    const runOnly = colorScheme === "dark" ? { runOnly: ["color-contrast"] } : {};
    // In the page itself, and without what it passes: three times as fast.
    const checker = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"], ...runOnly });
    const { violations } = await checker.analyze();
    found.push(...violations.map((v) => `${new URL(page.url()).pathname}, ${colorScheme}: ${v.id} ${v.nodes[0]?.html.slice(0, 200)}`));
  }
  return found;
}

// The fonts that the page asks for early and then shows nothing in.
async function unused(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    await document.fonts.ready;
    const early = [...document.querySelectorAll<HTMLLinkElement>("link[rel=preload][as=font]")].map((l) => l.href);
    const shown = [...document.fonts].filter((f) => f.status === "loaded").length;
    return shown < early.length ? early.map((font) => `${location.pathname}: ${font}`) : [];
  });
}

// The addresses of the things of a list, each once.
async function all(page: Page, list: string, thing: RegExp): Promise<string[]> {
  await page.goto(list);
  const links = await page.getByRole("main").getByRole("link").all();
  const paths = await Promise.all(links.map((link) => link.getAttribute("href")));
  return [...new Set(paths.filter((path) => path?.match(thing)))] as string[];
}

// The address of the first thing of a list.
async function first(page: Page, list: string, thing: RegExp): Promise<string> {
  const [path] = await all(page, list, thing);
  if (!path) throw new Error(`nothing in ${list}`);
  return path;
}

test("no page breaks a rule of accessibility, light or dark", async ({ page }, info) => {
  test.skip(info.project.name === "no-js", "the checker is a script");
  test.setTimeout(600_000);
  await page.emulateMedia({ reducedMotion: "reduce" });
  const found: string[] = [];
  for (const path of open) {
    await page.goto(path);
    found.push(...(await broken(page)), ...(await unused(page)));
  }
  await signIn(page);
  const id = "[0-9a-f-]{36}";
  const lead = await first(page, "/t/halden/leads", new RegExp(`/leads/${id}$`));
  const account = await first(page, "/t/halden/accounts", new RegExp(`/accounts/${id}$`));
  const mail = await first(page, "/t/halden/sandbox", new RegExp(`/sandbox/${id}$`));
  const thread = await first(page, "/t/halden/inbox?tab=all", new RegExp(`/inbox/${id}`));
  const replies = await first(page, "/t/halden/settings/mailboxes", new RegExp(`/mailboxes/${id}/replies$`));
  await page.goto("/t/halden/settings/domains");
  await hydrated(page);
  await page.getByRole("textbox", { name: "Domain" }).fill(`walk-${Date.now()}.example`);
  await page.getByRole("button", { name: "Add domain" }).click();
  await page.waitForURL(new RegExp(`/domains/${id}`));
  const domain = new URL(page.url()).pathname;
  const draft = await first(page, "/t/halden/campaigns?view=drafts", new RegExp(`/campaigns/${id}$`));
  const running = await first(page, "/t/halden/campaigns?view=running", new RegExp(`/campaigns/${id}$`));
  const steps = await all(page, `${draft}/sequence`, new RegExp(`/sequence/${id}$`));
  const agent = await first(page, "/t/halden/agents", new RegExp(`/agents/${id}$`));
  const text = await first(page, "/t/halden/content", new RegExp(`/content/${id}$`));
  const busy = await first(page, "/t/halden/tasks", new RegExp(`/leads/${id}$`));
  const workflow = await first(page, "/t/halden/workflows", new RegExp(`/workflows/${id}$`));
  await page.goto(`${agent}/run`);
  await hydrated(page);
  await page.getByRole("button", { name: "Run the example" }).click();
  await page.waitForURL(new RegExp(`/runs/${id}`));
  const run = new URL(page.url()).pathname;
  const things = [agent, `${agent}/runs`, `${agent}/tools`, `${agent}/quality`, `${agent}/triggers`, `${agent}/triggers?new=schedule`, `${agent}/triggers?new=campaign_state`, `${agent}/triggers?new=reply_received`, `${agent}/memory`, `${agent}/versions`, `${agent}/edit`, `${agent}/run`, `${run}?step=1`, `${run}?view=waterfall`, `${run}?view=log`, workflow, `${workflow}?edit=1`, `${workflow}?add=assign`, `${workflow}?add=create_task`, text, `${text}?version=1`, `${text}/edit`, busy, lead, `${lead}/edit`, account, mail, thread, `${thread}&reply=1`, replies, replies.replace("/replies", ""), domain, ...steps, `${draft}/sequence`, `${draft}/settings`, `${draft}/launch`, `${running}/stop`];
  const tabs = ["", "/enrolments", "/mails", "/log", "/sequence", "/versions", "/proofs", "/simulation", "/settings"].map((tab) => running + tab);
  for (const path of [...inside, ...things, ...tabs]) {
    await page.goto(path);
    await hydrated(page);
    found.push(...(await broken(page)), ...(await unused(page)));
  }
  expect(found).toEqual([]);
});
