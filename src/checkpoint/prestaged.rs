//! prestaged
