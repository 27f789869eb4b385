-- trainlint for Neovim 0.8 to 0.10: save as ~/.config/nvim/plugin/trainlint.lua
vim.api.nvim_create_autocmd("FileType", {
  pattern = { "python", "yaml", "json", "toml" },
  callback = function(args)
    local markers = vim.fs.find({ "trainlint.toml", "pyproject.toml", ".git" }, {
      upward = true,
      path = vim.fs.dirname(vim.api.nvim_buf_get_name(args.buf)),
    })
    vim.lsp.start({
      name = "trainlint",
      cmd = { "trainlint", "server" },
      root_dir = markers[1] and vim.fs.dirname(markers[1]) or vim.fn.getcwd(),
    })
  end,
})
