import { expect, test } from "@playwright/test";

// The story of the product once more, by a program with a key that an operator made in the terminal.
test("from a CSV file to mails, a pause, and a suppression, by the API", async ({ playwright }, info) => {
  expect(process.env.API_KEY, "API_KEY is the secret of a key that may do all of this").toBeTruthy();
  test.setTimeout(90_000);
  const tag = `api-${Date.now()}`;
  const api = await playwright.request.newContext({
    baseURL: `${info.project.use.baseURL}/api/v1/`,
    extraHTTPHeaders: { Authorization: `Bearer ${process.env.API_KEY}` },
  });
  const get = async (path: string) => {
    const answer = await api.get(path);
    expect(answer.status(), `${path}: ${await answer.text()}`).toBe(200);
    return answer.json();
  };
  const send = async (path: string, data: unknown, status: number, headers: Record<string, string> = {}) => {
    const answer = await api.post(path, { data: data as object, headers });
    expect(answer.status(), `${path}: ${await answer.text()}`).toBe(status);
    return answer.status() === 204 ? undefined : answer.json();
  };
  const until = async (path: string, done: (json: any) => boolean) => {
    await expect(async () => expect(done(await get(path))).toBe(true)).toPass({ timeout: 30_000 });
    return get(path);
  };

  expect((await get("me")).company.slug).toBe("halden");

  const file = `email,first_name,company\n${tag}-ana@api.example,Ana,API Ltd\n${tag}-ben@api.example,Ben,API Ltd\nno address,Cleo,API Ltd\n`;
  const uploaded = await api.post("imports?file_name=api.csv", { data: file, headers: { "Content-Type": "text/csv" } });
  expect(uploaded.status(), await uploaded.text()).toBe(201);
  const { id: importId, columns } = await uploaded.json();
  const mapping = Object.fromEntries(columns.map((column: any) => [column.index, column.guess]));
  const planned = await api.put(`imports/${importId}/plan`, { data: { mapping, duplicates: "skip", tag } });
  expect(planned.status(), await planned.text()).toBe(200);
  await until(`imports/${importId}`, (i) => i.state === "ready");
  await send(`imports/${importId}/start`, {}, 202);
  await until(`imports/${importId}`, (i) => i.state === "completed");
  expect((await get(`leads?f.tag.has=${tag}`)).items).toHaveLength(2);
  expect((await get(`imports/${importId}/rejected`)).items).toHaveLength(1);

  const mailbox = (await get("mailboxes")).items[0].id;
  const window = { days: [1, 2, 3, 4, 5, 6, 7], from_minute: 0, to_minute: 1440, zone: "company" };
  const audience = { kind: "filter", filter: { tag: [tag] } };
  const key = { "Idempotency-Key": tag };
  const campaign = await send("campaigns", { name: tag, audience, window, mailboxes: [mailbox] }, 201, key);
  const again = await send("campaigns", { name: tag, audience, window, mailboxes: [mailbox] }, 201, key);
  expect(again.id).toBe(campaign.id);
  const own = `campaigns/${campaign.id}`;

  // Without a step it is not launched, and the answer says what is missing.
  const blocked = await send(`${own}/start`, {}, 422);
  expect(blocked.errors.map((e: any) => e.code)).toContain("steps");
  for (const [amount, subject] of [[0, "Hello"], [3, "Once more"]]) {
    const body = "Hi {first_name|there},\n\nhow are you?";
    await send(`${own}/steps`, { subject: `${tag} ${subject}`, body, delay: { amount, unit: "days" } }, 201);
  }
  const steps = (await get(`${own}/steps`)).items;
  const lead = (await get(`leads?f.tag.has=${tag}&sort=name`)).items[0];
  expect((await get(`${own}/steps/${steps[0].id}/preview?lead=${lead.id}`)).text).toContain("Hi Ana");
  expect((await get(`${own}/checks`)).items.filter((c: any) => c.verdict === "block")).toEqual([]);

  await send(`${own}/start`, {}, 412, { "If-Match": '"v99999"' });
  await send(`${own}/start`, {}, 200);
  expect((await send(`${own}/start`, {}, 200)).changed).toBe(false);
  const sent = (m: any) => m.state === "sent" && m.queue_id && m.server;
  await until(`${own}/messages`, (page) => page.items.filter(sent).length === 2);
  await send(`${own}/pause`, {}, 200);
  const refused = await send(`${own}/unschedule`, {}, 409);
  expect(refused.allowed).toContain("resume");
  await send(`${own}/resume`, {}, 200);

  await send("suppressions", { targets: [`${tag}-ana@api.example`] }, 200);
  const ledger = await until(`${own}/ledger`, (l) => JSON.stringify(l).includes("suppressed"));
  expect(ledger.audience).toBe(2);
  await send(`${own}/stop`, {}, 200);
  await until(own, (c) => (c.state ?? c.lifecycle?.state) === "stopped");
  await api.dispose();
});
