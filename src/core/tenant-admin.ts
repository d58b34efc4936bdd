/** Who of a tenant decides for it: about operators' access to its data, and what it declares. */
export const TENANT_ADMIN_ROLE = 'tenant-admin'
