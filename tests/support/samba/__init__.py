"""A real Active Directory for the tests: Samba's, provisioned into a directory and served on loopback without root."""
