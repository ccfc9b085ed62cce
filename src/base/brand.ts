declare const brand: unique symbol;

/** A `Base` that the compiler keeps apart from every other `Base`: made only by the functions that name it. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
