/** The page's token for servers that want one (`?token=`); it is shown to the server and to nobody else. */
export const token = new URLSearchParams(location.search).get('token') ?? undefined;
