/** The types of partitions that have a name here: those of UEFI and of the Discoverable Partitions Specification. */
export const partitionTypes: Readonly<Record<string, string>> = {
  linux: '0fc63daf-8483-4772-8e79-3d69d8477de4',
  esp: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  xbootldr: 'bc13c2ff-59e6-4262-a352-b275fd6f7172',
  swap: '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f',
  home: '933ac7e1-2eb4-4f13-b844-0e14e2aef915',
  srv: '3b8f8425-20e0-4f3b-907f-1a25a76f98e8',
  var: '4d21b016-b534-45c2-a9fb-5c16e091fd2d',
  'root-x86-64': '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  'root-x86-64-verity': '2c7357ed-ebd2-46d9-aec1-23d437ec2bf5',
  'root-arm64': 'b921b045-1df0-41c3-af44-4c6f280d3fae',
  'root-arm64-verity': 'df3300ce-d69f-4c92-978c-9bfb0f38d820',
  'usr-x86-64': '8484680c-9521-48c6-9c11-b0720656f69e',
  'usr-x86-64-verity': '77ff5f63-e7b6-4633-acf4-1565b864c0e6',
  'usr-arm64': 'b0e01050-ee5f-4390-949a-9101b17104e9',
  'usr-arm64-verity': '6e11a4e7-fbca-4ded-b9e9-e1a512bb664e',
};

/** The attributes of a partition by name, as bits: those of UEFI (0–2) and of the Discoverable Partitions Specification. */
export const partitionAttributes: Readonly<Record<string, number>> = {
  required: 0,
  'no-block-io': 1,
  'legacy-boot': 2,
  'grow-file-system': 59,
  'read-only': 60,
  'no-auto': 63,
};
