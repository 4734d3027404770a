"""OpenLDAP's server with Active Directory's attributes: unlike Samba it enforces the limits that a server may set."""
