# frozen_string_literal: true

require "digest"

# What programs send: JSON, and files.
class ApiController < ActionController::API
  def sum = render(json: { sum: params.require(:numbers).sum })

  def upload
    file = params.require(:file)
    render json: { name: file.original_filename, type: file.content_type, size: file.size,
                   sha256: Digest::SHA256.hexdigest(file.read), title: params.dig(:form, :title) }
  end
end
