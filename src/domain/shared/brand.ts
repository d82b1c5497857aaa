declare const brand: unique symbol;

/** A `T` that only the parser of `Name` hands out. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
