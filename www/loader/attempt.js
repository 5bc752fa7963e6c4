// What may be refused or throw, such as a storage or a getter of the page.

/** What it gives, and nothing where it throws. */
export const attempt = (use) => {
  try {
    return use();
  } catch {
    return undefined;
  }
};
