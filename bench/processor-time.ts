/** Microseconds of processor time that this process took so far: what others on the machine do does not count. */
export function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
