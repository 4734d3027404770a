"""Exchange Web Services as the practice organisation speaks it: SOAP in, SOAP out, over the mail store."""
