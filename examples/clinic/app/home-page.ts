const ENDPOINTS: readonly (readonly [string, string])[] = [
  ['GET /appointments?from&amp;to&amp;limit&amp;offset', 'the list, with a total'],
  ['GET /appointments/upcoming', 'the next fifty, from a view'],
  ['GET /appointments/:id', 'one appointment'],
  ['POST /appointments', 'book one'],
  ['PATCH /appointments/:id', 'move it, or change its status'],
  ['GET /patients/search?q', 'patients by name'],
  ['GET /patients/:id/notes', 'a patient’s clinical notes'],
  ['POST /intake', 'a patient’s intake form'],
  ['DELETE /intake-forms/:id', 'withdraw a form'],
  ['GET /reports/nightly', 'counts for each site'],
]

const rows = ENDPOINTS.map(([route, what]) => `<tr><td><code>${route}</code><td>${what}`).join('\n')

/** The page at `/`. */
export const HOME_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Clinic: scheduling and intake</title>
<h1>Clinic: scheduling and patient intake</h1>
<p>An API. It stands behind the gateway: every request but this one carries the tenant context that the gateway signed.
<table>
${rows}
</table>
</html>
`
