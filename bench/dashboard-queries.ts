/** Asks the dashboard's API. */
export async function query(origin: string, path: string, input: object): Promise<unknown> {
  const url = `${origin}/api/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`;
  const response = await fetch(url, { headers: { 'x-latchkey': '1' } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const { result } = (await response.json()) as { result: { data: unknown } };
  return result.data;
}

/** Does the work so many times, one after the other: a row of how long that took. */
export async function timed(requests: number, name: string, work: () => Promise<unknown>) {
  const times: number[] = [];
  for (let request = 0; request < requests; request++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  times.sort((one, other) => one - other);
  const at = (share: number) => `${Math.round(times[Math.ceil(times.length * share) - 1] ?? 0)} ms`;
  return { query: name, p50: at(0.5), p95: at(0.95), slowest: at(1) };
}
