//! The Arm debug interface: DP, AP and MEM-AP over any link.
