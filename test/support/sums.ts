/** Questions that the calculator skill answers, each another one. */
export function createSums(): () => string {
  let count = 0;
  return () => `/calculator ${++count}+1`;
}

export function answerToSum(question: string): string {
  const number = Number(/\d+/u.exec(question)?.[0]);
  return `${number}+1 = ${number + 1}`;
}
