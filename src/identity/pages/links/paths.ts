/** Path below an issuer at which a link from a mail opens: `/link/<secret>`. */
export const LINK_PATH = '/link'
