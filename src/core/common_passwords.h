/* Common passwords that zxcvbn's dictionary does not know: given to it as further words.
 *
 * They are those among the 10,000 most common passwords (the list of zxcvbn's original, data/passwords.txt, MIT, a fact
 * of the public "xato" set) that have 8 characters or more and that libzxcvbn 2.5 alone rates at 10^7.9 guesses or
 * more: mostly words typed on a keyboard of another alphabet. tests/vectors/common_passwords_test.c shows that with
 * them every one of that list is refused.
 */
#ifndef CORE_COMMON_PASSWORDS_H
#define CORE_COMMON_PASSWORDS_H

/* clang-format off */
static const char *const common_passwords[] = {
    "0192837465", "1029384756", "1a2s3d4f", "1q2q3q4q", "1qa2ws3ed", "1qaz2wsx3edc4rfv", "1z2x3c4v", "1z2x3c4v5b",
    "3rjs1la7qe", "45m2do5bs", "4815162342", "7ugd5hip2j", "9293709b13", "a1a2a3a4", "a1s2d3f4", "a1s2d3f4g5",
    "abrakadabra", "anhyeuem", "armagedon", "baracuda", "barselona", "benessere", "bynthytn", "cdtnkfyf", "cfitymrf",
    "chickenwing101", "cjkysirj", "cnfybckfd", "crjhgbjy", "dbrnjhbz", "dfcbkbcf", "dfktynby", "dfktynbyf",
    "dkflbckfd", "dkflbvbh", "dthjybrf", "dtkjcbgtl", "dtxyjcnm", "fgtkmcby", "fkbyjxrf", "fktrcfylh", "fktrcfylhf",
    "flvbybcnhfnjh", "fyfcnfcbz", "fyfnjkbq", "fyutkbyf", "fyutkjxtr", "gbhfvblf", "gfhjkm123", "gfhjkmgfhjkm",
    "ghbdtn123", "ghbdtnbr", "ghbdtndctv", "ghbdtnrfrltkf", "ghblehjr", "ghbywtccf", "ghhh47hj7649", "ghjcnbnenrf",
    "ghjcnjgfhjkm", "ghjcnjnfr", "ghjuhfvvf", "gtnhjdbx", "guillaum", "guillerm", "htubcnhfwbz", "kakashka",
    "kamasutra", "kamikadze", "kjrjvjnbd", "kleopatra", "krokodil", "lapochka", "lfitymrf", "ljxtymrf", "madagaskar",
    "mailcreated5240", "mamochka", "mazafaka", "mersedes", "montgom240", "nokia5530", "nokia5800", "nokia6233",
    "nthvbyfnjh", "ntktdbpjh", "polniypizdec0211", "pufunga7782", "q1q2q3q4q5", "q1w2e3r4t5y6", "rfgbnjirf",
    "rfhfvtkmrf", "rfhfylfi", "rfhnjirf", "rfnthbyf", "rfntymrf", "rfvfcenhf", "rhbcnbyf", "rhfcfdbwf", "rhfcjnrf",
    "rhjrjlbk", "rhtdtlrj", "rjhjktdf", "rjirfrgbde", "rjycnfynby", "sasha_007", "segblue2", "sojdlg123aljg",
    "soso123aljg", "timoxa94", "tkbpfdtnf", "trfnthbyf", "usuckballz1", "vfhufhbnf", "vfitymrf", "vflfufcrfh",
    "vfntvfnbrf", "vfrcbvrf", "vjqgfhjkm", "vkontakte", "vqsablpzla", "vsjasnel12", "wachtwoord", "wdtnjxtr",
    "webhompas", "websol76", "yfcntymrf", "yjdsqgfhjkm", "z1x2c3v4", "z1x2c3v4b5", "zxasqw12", "zxcasdqwe",
    "zxcasdqwe123",
};
/* clang-format on */

enum { COMMON_PASSWORDS = sizeof common_passwords / sizeof *common_passwords };

#endif
