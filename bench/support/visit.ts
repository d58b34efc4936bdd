/** The point read that requests and sessions are measured with; prepared, as applications should. */
export const VISIT = {
  name: 'visit',
  text: 'select id, starts_at, status, note from bench.visit where id = $1',
}
