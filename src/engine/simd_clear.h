/* Ends one instruction set; see simd_sets.h, the only place that includes this, several times. */
#undef VEC
#undef W
#undef MR
#undef TARGET
#undef SPLAT
#undef FMA
#undef MAX
#undef MIN
#undef STREAM
#undef NAME
