// Mutants that no test notices, with the reason why each is left.
export const explained = [];
