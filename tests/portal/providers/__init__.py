"""Identity providers that tests sign in at: a certified one, one that forges, and two Keycloak realms."""
