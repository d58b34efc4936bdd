/** Path below an issuer at which a user's own pages are. */
export const ACCOUNT_PATH = '/account'
