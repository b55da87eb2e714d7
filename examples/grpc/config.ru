# frozen_string_literal: true

require_relative "rpc"
require_relative "notes"

run Rpc::App.new("kino.example.Notes", Notes, Note, "Echo" => :echo, "Count" => :count, "Sum" => :sum, "Chat" => :chat)
