import { answer, expect, hydrated, signIn, test } from "./journey";

// The demo sends by itself, and some of its leads answer.
async function openInbox(page: import("@playwright/test").Page, query = "") {
  await expect(async () => {
    await page.goto(`/t/halden/inbox${query}`);
    await expect(page.getByRole("region", { name: "Conversations" }).getByRole("link").first()).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
  await hydrated(page);
}

test("a reply is read, classified, assigned and done", async ({ page }, info) => {
  await signIn(page);
  await openInbox(page, "?tab=all");
  const list = page.getByRole("region", { name: "Conversations" });
  const link = list.getByRole("link").nth(["desktop", "no-js", "phone"].indexOf(info.project.name) + 0);
  await link.click();
  await expect(page).toHaveURL(/\/inbox\/[0-9a-f-]{36}\?tab=all/);
  const conversation = page.getByRole("region", { name: "Conversation", exact: true });
  const mails = conversation.getByRole("article");
  await expect(mails.last()).toBeVisible();
  await expect(conversation.getByText("About the person")).toBeVisible();
  await hydrated(page);

  // The words of others stand as text, what they quote is folded.
  const quoted = mails.filter({ hasText: "Quoted text" }).first();
  if (await quoted.count()) {
    await quoted.getByText("Quoted text").click();
    await expect(quoted).toContainText("wrote:");
  }

  // Menus are popovers, which work without scripts, too.
  await conversation.getByRole("button", { name: "Change class" }).click();
  const [from, to] = (await conversation.getByRole("button", { name: "Not now", pressed: true }).count())
    ? ["Not now", "Question"]
    : ["", "Not now"];
  expect(from).not.toBe(to);
  await conversation.getByRole("button", { name: new RegExp(`^${to}`) }).click();
  await expect(page.getByText("Class changed. It is kept as a correction.")).toBeVisible();
  await expect(conversation.getByText(new RegExp(`^${to}.*Nora Berg says so`))).toBeVisible();
  await conversation.getByText("What people have corrected").first().click();
  await expect(conversation.getByText(new RegExp(`to “${to}”`)).first()).toBeVisible();

  // Somebody else than now: then the new words show that the page is the new one.
  const is_his = await conversation.getByRole("button", { name: "Assigned to Jonas Keller" }).count();
  const who = is_his ? "Aisha Said" : "Jonas Keller";
  await conversation.getByRole("button", { name: /^Assign/ }).first().click();
  await conversation.getByLabel("Assign to").selectOption({ label: who });
  await conversation.getByRole("button", { name: "Assign", exact: true }).last().click();
  await expect(page.getByText("Assigned.")).toBeVisible();
  await expect(conversation.getByRole("button", { name: `Assigned to ${who}` })).toBeVisible();

  const here = new URL(page.url()).pathname;
  const done = conversation.getByRole("button", { name: "Done", exact: true });
  if (!(await done.count())) {
    await conversation.getByRole("button", { name: "Needs answer" }).click();
    await expect(page.getByText("The conversation needs an answer again.")).toBeVisible();
  }
  await done.click();
  await expect(page.getByText(/^Done\. The conversation with/)).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page).toHaveURL(new RegExp(here));
  // The address changes before the words do.
  await expect(conversation.getByRole("button", { name: `Assigned to ${who}` })).toBeVisible();
  await expect(conversation.getByRole("button", { name: "Done", exact: true })).toBeVisible();

  await conversation.getByRole("button", { name: "Snooze" }).first().click();
  await conversation.getByRole("button", { name: "Tomorrow, 9:00" }).click();
  await expect(page.getByText(/^Snoozed\. The conversation with .* is back on/)).toBeVisible();
});

test("a mail is shown as it was sent, and a meeting comes of it", async ({ page }, info) => {
  test.setTimeout(120_000);
  const words = `Let us meet on Monday, ${info.project.name} ${Date.now()}.`;
  await signIn(page);
  const row = page.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).nth(2);
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(row).toBeVisible({ timeout: 1000 });
  }).toPass();
  await row.getByRole("link").click();
  await hydrated(page);
  await page.getByLabel("Text", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Send reply" }).click();
  await expect(page.getByText("Answered.")).toBeVisible();
  await page.goto("/t/halden/inbox");
  await page.getByRole("link").filter({ hasText: words }).first().click();
  await hydrated(page);

  const conversation = page.getByRole("region", { name: "Conversation", exact: true });
  const mail = conversation.getByRole("article").filter({ hasText: words });
  await mail.getByText("Show as it was sent").click();
  await expect(mail.locator("iframe")).toHaveAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
  // It is fetched when it comes into view. No script of this test runs in it either, so the server is asked what it shows.
  await mail.locator("iframe").scrollIntoViewIfNeeded();
  const shows = (address: string) => page.frames().some((frame) => frame.url().endsWith(address));
  await expect.poll(() => shows("/html")).toBe(true);
  const sent = await page.request.get((await mail.locator("iframe").getAttribute("src"))!);
  expect(await sent.text()).toContain(words);
  await mail.getByRole("link", { name: "Load images" }).click();
  await expect.poll(() => shows("/html?images=1")).toBe(true);
  await mail.getByText("Show as it was sent").click();

  await conversation.getByRole("button", { name: "More actions" }).click();
  await conversation.getByRole("button", { name: "Meeting booked", exact: true }).click();
  await expect(page.getByText("Meeting booked. Nothing more is sent to them by itself.")).toBeVisible();
  await expect(conversation.getByText("Replied: a meeting is booked").first()).toBeVisible();
  await expect(conversation.getByRole("button", { name: "Done", exact: true })).toBeVisible();
});

test("the actions stand in one line", async ({ page }, info) => {
  test.skip(info.project.name !== "desktop", "a phone has no room for it");
  await signIn(page);
  await openInbox(page, "?tab=all");
  await page.getByRole("region", { name: "Conversations" }).getByRole("link").first().click();
  const actions = page.locator(".conversation-head > .thread-actions");
  await expect(actions).toBeVisible();
  for (const width of [1100, 1280, 1366, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    const tops = await actions
      .locator(":scope > form, :scope > button, :scope > span")
      .evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
    expect(tops.length).toBeGreaterThan(3);
    expect(new Set(tops).size, `${width}: ${tops}`).toBe(1);
    expect(await actions.evaluate((all) => all.scrollWidth - all.clientWidth), `${width}`).toBeLessThanOrEqual(0);
  }
});

test("the list is narrowed by its address", async ({ page }) => {
  await signIn(page);
  await openInbox(page, "?tab=all");
  await page.getByRole("button", { name: "Filter this list" }).click();
  await page.getByLabel("Class", { exact: true }).selectOption({ label: "Out of office" });
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/class=out_of_office/);
  await expect(page.getByRole("link", { name: "Remove filter Class" })).toBeVisible();
  await page.getByRole("link", { name: "Remove filter Class" }).click();
  await expect(page).not.toHaveURL(/class=/);
  await page.getByRole("link", { name: "Out of office", exact: true }).click();
  await expect(page).toHaveURL(/tab=out_of_office/);
  await page.goto("/t/halden/inbox?tab=snoozed&class=unsubscribe");
  await expect(page.getByRole("heading", { name: "No conversation matches these filters" })).toBeVisible();
});

test("keys do what the buttons say", async ({ page }, info) => {
  test.skip(info.project.name !== "desktop", "keys need a keyboard and scripts");
  await signIn(page);
  await openInbox(page, "?tab=all");
  await page.getByRole("region", { name: "Conversations" }).getByRole("link").first().click();
  const conversation = page.getByRole("region", { name: "Conversation", exact: true });
  await expect(conversation.getByRole("article").first()).toBeVisible();
  // Where the list says that we are, once the page is there.
  const here = page.getByRole("region", { name: "Conversations" }).locator("[aria-current=true]");
  const first = (await here.getAttribute("href"))!;
  await page.keyboard.press("j");
  await expect(here).not.toHaveAttribute("href", first);
  await page.keyboard.press("k");
  await expect(here).toHaveAttribute("href", first);
  await page.keyboard.press("h");
  await expect(conversation.getByRole("button", { name: "Next Monday, 9:00" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await expect(conversation.getByText(/Nora Berg says so\.|Says|set by a person/).first()).toBeVisible();
});

// Opens the editor of a conversation that can be answered.
async function writeReply(page: import("@playwright/test").Page, project: string) {
  await openInbox(page, "?tab=all");
  const list = page.getByRole("region", { name: "Conversations" });
  const place = ["desktop", "no-js", "phone"].indexOf(project);
  const conversation = page.getByRole("region", { name: "Conversation", exact: true });
  const reply = conversation.getByRole("link", { name: /^(Reply|Go on with your reply)$/ });
  // Each setting has conversations of its own; whoever wants no more e-mail cannot be answered.
  const all = await list.getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
  for (const href of all.filter((_, n) => n % 3 === place)) {
    await page.goto(href);
    if ((await reply.count()) > 0) break;
  }
  await reply.click();
  await expect(page).toHaveURL(/reply=1/);
  await hydrated(page);
  const editor = conversation.getByRole("region", { name: "Your reply" });
  return { conversation, editor };
}

test("an answer is kept, sent, taken back and sent again", async ({ page }, info) => {
  await signIn(page);
  const { conversation, editor } = await writeReply(page, info.project.name);
  await expect(editor.getByLabel("Subject")).toHaveValue(/^Re: /);
  const words = `I call you on Monday at ten (${info.project.name}).`;
  await editor.getByRole("textbox", { name: "Your words" }).fill(words);
  await editor.getByRole("button", { name: "Keep as draft" }).click();
  await expect(page.getByText("Your draft is kept. Only you see it.")).toBeVisible();
  await expect(editor.getByRole("textbox", { name: "Your words" })).toHaveValue(words);

  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText(/^Your reply leaves in ten seconds/)).toBeVisible();
  const mine = conversation.getByRole("article").filter({ hasText: words });
  await mine.getByRole("button", { name: "Take back" }).click();
  await expect(page.getByText("Taken back. Your words are in the editor again.")).toBeVisible();
  await expect(editor.getByRole("textbox", { name: "Your words" })).toHaveValue(words);
  await expect(mine).toHaveCount(0);

  await editor.getByRole("button", { name: "Send and mark done" }).click();
  await expect(page.getByText(/^Your reply leaves in ten seconds/)).toBeVisible();
  await expect(mine).toHaveCount(1);
  await expect(conversation.getByRole("button", { name: "Needs answer" })).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(mine.getByText("Sent", { exact: true })).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
});

test("an answer takes a text of the library, a draft of the agent, and a time to leave", async ({ page }, info) => {
  const title = `Shipping ${info.project.name} ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/content/new");
  await hydrated(page);
  await page.getByLabel("Title", { exact: true }).fill(title);
  await page.getByLabel("Kind", { exact: true }).selectOption("email");
  await page.getByLabel("Text", { exact: true }).fill("{sender_company} ships to {email} within {first_name|a} week.");
  await page.getByRole("button", { name: "Create text" }).click();
  await expect(page.getByText("Text created.")).toBeVisible();

  const { conversation, editor } = await writeReply(page, info.project.name);
  const words = editor.getByRole("textbox", { name: "Your words" });
  await words.fill("For {country}:");
  await editor.getByLabel("Text of the library").selectOption({ label: title });
  await editor.getByRole("button", { name: "Insert" }).click();
  await expect(page.getByText("The text stands below your words.")).toBeVisible();
  await expect(words).toHaveValue(/^For \{country\}:\n\nHalden Instruments ships to \S+@\S+ within \S+ week\.$/);
  await expect(editor.getByText("The words for {country} are still missing.")).toBeVisible();
  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(editor.getByText(/Write what stands for \{country\}, or take it out\./).first()).toBeVisible();

  await words.fill("From 400 nm on.");
  await editor.getByRole("button", { name: "Draft with AI" }).click();
  await expect(async () => {
    // With scripts it appears by itself.
    if (info.project.name === "no-js") await page.reload();
    await expect(words).toHaveValue(/^From 400 nm on\.\n\n\S[^]*Kind regards\nNora Berg$/, { timeout: 1000 });
  }).toPass();
  await expect(editor.getByText(/has drafted this from the mail, the lead and what has happened with them/)).toBeVisible();

  await words.fill(`I call you that day (${title}).`);
  const time = editor.getByLabel("Send at");
  await time.fill("2027-03-28T02:30");
  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(editor.getByText(/Clocks go forward that day: there is no 02:30 then\./).first()).toBeVisible();
  await expect(words).toHaveValue(/^I call you that day/);
  await expect(time).toHaveValue("2027-03-28T02:30");
  await time.fill("2027-03-29T09:00");
  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("Your reply leaves at the time that you chose.")).toBeVisible();
  const mine = conversation.getByRole("article").filter({ hasText: title });
  await expect(mine.getByText(/^Leaves 29 Mar 2027, 09:00/)).toBeVisible();
  await mine.getByRole("button", { name: "Take back" }).click();
  await expect(page.getByText("Taken back. Your words are in the editor again.")).toBeVisible();
  await expect(time).toHaveValue("2027-03-29T09:00");
  await hydrated(page);
  await answer(editor, /Discard my words/);
  await expect(page.getByText("Your draft is gone.")).toBeVisible();
});
