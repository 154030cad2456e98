// The release before, under a name of its own: what is used of it has the types of this one.
declare module 'express4' {
  export { default } from 'express';
}
